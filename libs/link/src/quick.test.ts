import { decode as msgpackDecode, encode as msgpackEncode } from "@msgpack/msgpack";
import { describe, expect, test } from "vitest";
import { decode } from "./codec.ts";
import { NOT_QUICK, quickBytes, readQuick, writeQuick } from "./quick.ts";
import { Random } from "./testing/random.ts";

const INTEGERS = [0, 1, 0x1f, 0x20, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000];
const WIDE = [0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff];
const numbers = [...INTEGERS, ...WIDE].flatMap((n) => [n, 0 - n, n + 0.5]);
const SCALARS: unknown[] = [
  null,
  true,
  false,
  NaN,
  Infinity,
  -Infinity,
  5e-324,
  1.7e308,
  ...numbers.filter((n) => n >= -0x80000000),
  ...Array.from({ length: 32 }, (_, length) => "x".repeat(length)),
  "\0",
  "\x7f",
];
const SLOW: unknown[] = [2 ** 32, -(2 ** 31) - 1, 2 ** 50, "é", "x".repeat(32), 1n];
const OTHERS: unknown[] = [
  {},
  new Date(0),
  Uint8Array.of(1),
  [[1]],
  [{}],
  Array(16).fill(0),
  () => 0,
];

function written(value: unknown): Uint8Array {
  // What lies beside must stay as it is.
  const bytes = Buffer.alloc(quickBytes(value) + 2, 0xee);
  writeQuick(bytes, 1, value);
  expect([bytes[0], bytes.at(-1)]).toEqual([0xee, 0xee]);
  return bytes.subarray(1, -1);
}

describe("quick values", () => {
  test.each(SCALARS.map((value) => [value]))(
    "%s is written as msgpack writes it, and read",
    (value) => {
      for (const each of [value, [value], [value, 1, value]]) {
        const bytes = written(each);
        expect(Buffer.from(bytes).toString("hex")).toBe(
          Buffer.from(msgpackEncode(each)).toString("hex"),
        );
        expect(readQuick(bytes, 0, bytes.length)).toEqual(each);
      }
    },
  );

  test("undefined travels as null", () => {
    expect([...written(undefined)]).toEqual([0xc0]);
    expect([...written([undefined])]).toEqual([0x91, 0xc0]);
  });

  test("what is not quick is left to msgpack", () => {
    for (const each of [...SLOW, ...OTHERS]) expect([each, quickBytes(each)]).toEqual([each, 0]);
    for (const each of SLOW) expect([each, quickBytes([1, each])]).toEqual([each, 0]);
  });

  test("any bytes are read as msgpack reads them, or not at all", () => {
    const random = new Random(7);
    let read = 0;
    for (let i = 0; i < 200_000; i++) {
      const bytes = random.bytes(random.between(1, 12));
      if (random.chance(0.5)) bytes[0] = 0x90 + random.between(0, 3);
      const quick = readQuick(bytes, 0, bytes.length);
      if (quick === NOT_QUICK) continue;
      read++;
      expect(quick).toEqual(msgpackDecode(bytes));
    }
    expect(read).toBeGreaterThan(10_000);
  });

  test("what ends too early or too late is refused", () => {
    for (const value of [300, "abc", 1.5, [1, "abc"], []]) {
      const bytes = written(value);
      expect(() => decode(bytes.subarray(0, -1))).toThrow(/too early|longer|more values/);
      expect(() => decode(Buffer.concat([bytes, Buffer.of(1)]))).toThrow(/after the value/);
    }
  });
});
