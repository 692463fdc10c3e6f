import { randomBytes, randomInt } from "node:crypto";

/** The id of an event in the very bytes in which it came: it must go back in its msgpack type. */
export interface EventId {
  /** The bytes as text, for maps. */
  readonly key: string;
  readonly bytes: Uint8Array;
}

const ID_BYTES_MAX = 256;
const BIN_8 = 0xc4;
const HEX_DIGITS = 32;
const COUNTER_DIGITS = 8;
const COUNTER_END = 16 ** COUNTER_DIGITS;
/** Bytes of integers by head byte, 0xcc to 0xd3. */
const INTEGER_BYTES = [1, 2, 4, 8, 1, 2, 4, 8];

/** @returns an id for the bytes of one msgpack value */
export const idOf = (bytes: Uint8Array): EventId => ({
  key: Buffer.from(bytes).toString("latin1"),
  bytes,
});

/** The value of the header key `name` in `payload`, which has it; text, bytes or an integer. */
export function idIn(payload: Buffer, name: string): EventId | undefined {
  const key = Buffer.from(`${String.fromCharCode(0xa0 | name.length)}${name}`, "latin1");
  const at = payload.indexOf(key);
  if (at < 0) return undefined;
  const start = at + key.length;
  const size = sizeAt(payload, start);
  if (size === undefined || size > ID_BYTES_MAX || start + size > payload.length) return undefined;
  return idOf(Buffer.from(payload.subarray(start, start + size)));
}

/** Bytes of the text, bytes or integer that begins at `at`. */
function sizeAt(payload: Buffer, at: number): number | undefined {
  const head = payload[at];
  if (head === undefined) return undefined;
  if (head < 0x80 || head >= 0xe0) return 1;
  if (head >= 0xa0 && head < 0xc0) return 1 + (head & 31);
  if (head >= 0xcc && head <= 0xd3) return 1 + (INTEGER_BYTES[head - 0xcc] as number);
  if (head === BIN_8 || head === 0xd9) return 2 + (payload[at + 1] ?? 0);
  if ((head === 0xc5 || head === 0xda) && at + 3 <= payload.length) {
    return 3 + payload.readUInt16BE(at + 1);
  }
  return undefined;
}

/** Ids as Python makes them: bytes, 8 hex digits of a counter and 24 that are random. */
export class EventIds {
  readonly #random = randomBytes(12).toString("hex");
  #counter = randomInt(COUNTER_END);

  /** @returns the next one, with its msgpack type */
  next(): Uint8Array {
    this.#counter = (this.#counter + 1) % COUNTER_END;
    const bytes = Buffer.allocUnsafe(2 + HEX_DIGITS);
    bytes[0] = BIN_8;
    bytes[1] = HEX_DIGITS;
    const counter = this.#counter.toString(16).padStart(COUNTER_DIGITS, "0");
    bytes.write(counter + this.#random, 2, "latin1");
    return bytes;
  }
}
