/** Bytes alone as msgpack writes them, without the machinery of an encoder. */
const BIN8 = 0xc4;
const BIN16 = 0xc5;
const BIN32 = 0xc6;

/** `value` with its head, in bytes of its own. */
export function writeBinary(value: Uint8Array): Uint8Array {
  const { length } = value;
  const head = length < 0x100 ? 2 : length < 0x10000 ? 3 : 5;
  const bytes = Buffer.allocUnsafe(head + length);
  if (head === 2) {
    bytes[0] = BIN8;
    bytes[1] = length;
  } else if (head === 3) {
    bytes[0] = BIN16;
    bytes.writeUInt16BE(length, 1);
  } else {
    bytes[0] = BIN32;
    bytes.writeUInt32BE(length, 1);
  }
  bytes.set(value, head);
  return bytes;
}

/**
 * The value from `start` to `end` when it is bytes alone, as a part of `bytes`; `undefined` when it
 * is anything else, or not well formed.
 */
export function readBinary(bytes: Uint8Array, start: number, end: number): Uint8Array | undefined {
  const kind = bytes[start];
  if (kind === undefined || kind < BIN8 || kind > BIN32) return undefined;
  const at = start + (kind === BIN8 ? 2 : kind === BIN16 ? 3 : 5);
  if (at > end) return undefined;
  let length = 0;
  for (let i = start + 1; i < at; i++) length = length * 0x100 + (bytes[i] ?? 0);
  if (at + length !== end) return undefined;
  return new Uint8Array(bytes.buffer, bytes.byteOffset + at, length);
}
