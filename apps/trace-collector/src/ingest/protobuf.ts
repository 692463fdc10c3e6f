import { TraceError } from "../trace-error.ts";

/** One field of a message: bytes for strings, bytes and messages, a number or bigint otherwise. */
export interface Field {
  readonly number: number;
  readonly bytes: Buffer;
  readonly value: bigint;
}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
const VARINT_BYTES_MAX = 10;
const EMPTY = Buffer.alloc(0);

function refuse(what: string): never {
  throw new TraceError("ERR_OTLP", `not protobuf: ${what}`);
}

/**
 * The fields of a protobuf message in their order (protobuf encoding, wire types 0, 1, 2 and 5).
 * @throws TraceError ERR_OTLP when a field ends beyond the bytes or has another wire type
 */
export function* fieldsOf(bytes: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let i = 0; i < VARINT_BYTES_MAX; i++) {
      const byte = bytes[at++];
      if (byte === undefined) refuse("it ends within a number");
      value |= BigInt(byte & 0x7f) << BigInt(7 * i);
      if (byte < 0x80) return value;
    }
    return refuse("a number is too long");
  };
  const take = (length: number): Buffer => {
    if (length > bytes.length - at) refuse("a field is longer than the message");
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const number = key >>> 3;
    const wire = key & 7;
    if (wire === VARINT) yield { number, bytes: EMPTY, value: varint() };
    else if (wire === FIXED64) yield { number, bytes: EMPTY, value: take(8).readBigUInt64LE() };
    else if (wire === BYTES) yield { number, bytes: take(Number(varint())), value: 0n };
    else if (wire === FIXED32)
      yield { number, bytes: EMPTY, value: BigInt(take(4).readUInt32LE()) };
    else refuse(`wire type ${wire}`);
  }
}
