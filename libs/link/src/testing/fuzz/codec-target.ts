import { isDeepStrictEqual } from "node:util";
import { Codec } from "../../codec.ts";
import { codeOf } from "../../errors.ts";
import type { Random } from "../random.ts";
import { type FuzzTarget, type Input, withoutNumbers } from "./target.ts";

const codec = new Codec();
const DEPTH_MAX = 6;

/** Heads of msgpack with a length of one, two and four bytes: text, bytes, array, map, extension. */
const HEADS: readonly (readonly [readonly number[], "bytes" | "items" | "pairs" | "extension"])[] =
  [
    [[0xd9, 0xda, 0xdb], "bytes"],
    [[0xc4, 0xc5, 0xc6], "bytes"],
    [[0xdc, 0xdc, 0xdd], "items"],
    [[0xde, 0xde, 0xdf], "pairs"],
    [[0xc7, 0xc8, 0xc9], "extension"],
  ];

function scalar(random: Random): Buffer {
  const head = random.pick([
    0xc0, 0xc2, 0xc3, 0xca, 0xcb, 0xcc, 0xcd, 0xce, 0xcf, 0xd0, 0xd1, 0xd2,
  ]);
  const size =
    { 202: 4, 203: 8, 204: 1, 205: 2, 206: 4, 207: 8, 208: 1, 209: 2, 210: 4 }[head] ?? 0;
  const bytes = Buffer.from([head, ...random.bytes(size)]);
  if (head === 0xcf && random.chance(0.8)) bytes.fill(0, 1, 4);
  return bytes;
}

function lengthOf(head: number, length: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  if (head >= 0xdc) return bytes.subarray(head % 2 === 0 ? 2 : 0);
  const width = [1, 2, 4][(head - (head >= 0xd9 ? 0xd9 : head >= 0xc7 ? 0xc7 : 0xc4)) % 3] ?? 4;
  return bytes.subarray(4 - width);
}

function timestamp(random: Random): Buffer {
  const size = random.pick([4, 8, 12]);
  const head = { 4: [0xd6], 8: [0xd7], 12: [0xc7, 12] }[size] ?? [];
  return Buffer.from([...head, 0xff, ...random.bytes(size)]);
}

function value(random: Random, depth: number): Buffer {
  const fate = random.next();
  if (depth === 0 || fate < 0.3) return scalar(random);
  if (fate < 0.4) return Buffer.from([random.between(0, 0x7f)]);
  if (fate < 0.5) return timestamp(random);
  const [heads, kind] = random.pick(HEADS);
  const head = random.pick(heads);
  const count = random.between(0, 6);
  const parts: Buffer[] = [Buffer.from([head]), lengthOf(head, count)];
  if (kind === "extension") parts.push(Buffer.from([random.pick([0xff, 0, 1])]));
  if (kind === "bytes" || kind === "extension") parts.push(Buffer.from(random.bytes(count)));
  for (let i = kind === "pairs" ? count * 2 : kind === "items" ? count : 0; i > 0; i--) {
    const isKey = kind === "pairs" && i % 2 === 0;
    parts.push(isKey ? Buffer.from([0xa1, random.between(97, 122)]) : value(random, depth - 1));
  }
  return Buffer.concat(parts);
}

/** Whatever is decoded can be sent on, and arrives as the same again; but -0, which becomes 0. */
function checkRoundTrip(decoded: unknown): void {
  const once = codec.decode(codec.encode(decoded));
  const again = codec.decode(codec.encode(once));
  if (!isDeepStrictEqual(again, once)) throw new Error("decoded again it is another value");
}

/** The codec: it refuses, or gives a value that survives the way back. */
export const codecTarget: FuzzTarget = {
  name: "codec",
  make: (random) => [value(random, random.between(0, DEPTH_MAX))],
  run: (input: Input) => {
    let decoded: unknown;
    try {
      decoded = codec.decode(Buffer.concat(input));
    } catch (error) {
      if (codeOf(error) !== "ERR_LINK_PROTOCOL") throw error;
      return withoutNumbers((error as Error).message);
    }
    checkRoundTrip(decoded);
    const kind = Array.isArray(decoded)
      ? "array"
      : decoded instanceof Date
        ? "date"
        : typeof decoded;
    return `a value: ${kind}`;
  },
};
