import { TraceError } from "../trace-error.ts";

/** Wire types: a number of up to 64 bits, eight bytes, a length with its bytes, four bytes. */
export const VARINT = 0;
export const FIXED64 = 1;
export const BYTES = 2;
const FIXED32 = 5;

const VARINT_BYTES_MAX = 10;
const WORD = 2 ** 32;

/**
 * Walks through a protobuf message in place (protobuf encoding, wire types 0, 1, 2 and 5): {@link next} goes to a field,
 * of which either one of the readers or {@link skip} takes what follows. Nothing is copied, nothing is made for a field.
 * Everything throws TraceError ERR_OTLP when a field ends beyond its message or has another wire type.
 */
export class ProtobufReader {
  readonly bytes: Buffer;
  /** Where the next byte is read. */
  at = 0;
  /** Where the message ends that is read now. */
  end: number;
  /** Number and wire type of the field. */
  number = 0;
  wire = 0;
  /** The last number of 64 bits that was read, as two unsigned words. */
  low = 0;
  high = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
    this.end = bytes.length;
  }

  /** Goes to the next field. @returns false at the end of the message */
  next(): boolean {
    if (this.at >= this.end) return false;
    const key = this.varint();
    if (key >= WORD) refuse("the number of a field is too large");
    this.number = key >>> 3;
    this.wire = key & 7;
    return true;
  }

  /** A number, to the nearest double; exactly it is in {@link low} and {@link high}. */
  varint(): number {
    const byte = this.at < this.end ? (this.bytes[this.at] as number) : 0xff;
    if (byte >= 0x80) return this.#longVarint();
    this.at++;
    this.high = 0;
    this.low = byte;
    return byte;
  }

  /** Reads eight bytes into {@link low} and {@link high}. */
  fixed64(): this {
    const { bytes } = this;
    const at = this.#take(8);
    this.low = wordAt(bytes, at);
    this.high = wordAt(bytes, at + 4);
    return this;
  }

  /** What is in {@link low} and {@link high}, exactly. */
  get exact(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }

  /** @returns where the bytes end that begin at {@link at} */
  length(): number {
    const length = this.varint();
    if (length > this.end - this.at) refuse("a field is longer than the message");
    return this.at + length;
  }

  /** The bytes of a field, not copied. */
  slice(): Buffer {
    const end = this.length();
    const slice = this.bytes.subarray(this.at, end);
    this.at = end;
    return slice;
  }

  /** The text of a field. */
  text(): string {
    const end = this.length();
    const text = this.bytes.toString("utf8", this.at, end);
    this.at = end;
    return text;
  }

  /** Goes into the message of a field. @returns what {@link leave} is to be told */
  enter(): number {
    const before = this.end;
    this.end = this.length();
    return before;
  }

  /** Leaves the message of a field, wherever in it. */
  leave(before: number): void {
    this.at = this.end;
    this.end = before;
  }

  /** Passes over what the field holds. */
  skip(): void {
    const { wire } = this;
    if (wire === VARINT) this.varint();
    else if (wire === BYTES) this.at = this.length();
    else if (wire === FIXED64) this.#take(8);
    else if (wire === FIXED32) this.#take(4);
    else refuse(`wire type ${wire}`);
  }

  #take(length: number): number {
    if (length > this.end - this.at) refuse("a field is longer than the message");
    this.at += length;
    return this.at - length;
  }

  #longVarint(): number {
    let [low, high] = [0, 0];
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      if (this.at >= this.end) refuse("it ends within a number");
      const byte = this.bytes[this.at++] as number;
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (7 * i - 32);
      if (byte >= 0x80) continue;
      this.low = low >>> 0;
      this.high = high >>> 0;
      return this.high * WORD + this.low;
    }
    return refuse("a number is too long");
  }
}

const wordAt = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)) >>>
  0;

function refuse(what: string): never {
  throw new TraceError("ERR_OTLP", `not protobuf: ${what}`);
}
