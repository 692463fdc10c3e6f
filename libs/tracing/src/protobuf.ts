/**
 * As much of Protocol Buffers as the spans of calls need: fields of a length, small integers, and
 * the attributes of OTLP (opentelemetry-proto 1.x, common.proto and resource.proto).
 */
const VARINT = 0;
const LENGTH = 2;

/** A number of up to 32 bits, seven of them in a byte. */
function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  return Buffer.from([...bytes, rest]);
}

/** What stands before the `length` bytes of a field that holds a message, text or bytes. */
export const head = (number: number, length: number): Buffer =>
  Buffer.concat([varint((number << 3) | LENGTH), varint(length)]);

/** A field that holds a message, text or bytes. */
export function field(number: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part as string)));
  return Buffer.concat([head(number, body.length), body]);
}

/** A field that holds a number of up to 32 bits. */
export const integer = (number: number, value: number): Buffer =>
  Buffer.concat([varint((number << 3) | VARINT), varint(value)]);

/** An attribute (`KeyValue`) as field `number`. */
export function attribute(number: number, key: string, value: string | number): Buffer {
  const any = typeof value === "string" ? field(1, value) : integer(3, value);
  return field(number, field(1, key), field(2, any));
}
