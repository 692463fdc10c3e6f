/**
 * Small values without the machinery of an encoder: `null`, booleans, numbers, text of up to 31
 * ASCII characters, and arrays of up to 15 of them. Most arguments and answers of calls are such.
 * The bytes are those that @msgpack/msgpack writes (quick.test.ts compares).
 */
const TEXT_MAX = 31;
const ARRAY_MAX = 15;
/** Values in the largest quick one, itself included. */
export const QUICK_ITEMS_MAX = ARRAY_MAX + 1;
const U32_MAX = 0xffffffff;
const I32_MIN = -0x80000000;

/** What {@link readQuick} gives when the bytes are no quick value, or none that is well formed. */
export const NOT_QUICK: unique symbol = Symbol("not quick");

const double = new DataView(new ArrayBuffer(8));

function numberBytes(value: number): number {
  if (!Number.isSafeInteger(value)) return 9;
  if (value >= 0) {
    if (value < 0x80) return 1;
    if (value < 0x100) return 2;
    if (value < 0x10000) return 3;
    return value <= U32_MAX ? 5 : 0;
  }
  if (value >= -0x20) return 1;
  if (value >= -0x80) return 2;
  if (value >= -0x8000) return 3;
  return value >= I32_MIN ? 5 : 0;
}

function textBytes(text: string): number {
  if (text.length > TEXT_MAX) return 0;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) return 0;
  return 1 + text.length;
}

function scalarBytes(value: unknown): number {
  switch (typeof value) {
    case "number":
      return numberBytes(value);
    case "string":
      return textBytes(value);
    case "boolean":
    case "undefined":
      return 1;
    default:
      return value === null ? 1 : 0;
  }
}

/** Bytes that {@link writeQuick} needs for `value`; 0 when it is not a quick value. */
export function quickBytes(value: unknown): number {
  if (!Array.isArray(value)) return scalarBytes(value);
  if (value.length > ARRAY_MAX) return 0;
  let bytes = 1;
  for (const each of value) {
    const size = scalarBytes(each);
    if (size === 0) return 0;
    bytes += size;
  }
  return bytes;
}

function writeInteger(bytes: Uint8Array, at: number, value: number): number {
  if (value >= -0x20 && value < 0x80) {
    bytes[at] = value;
    return at + 1;
  }
  const size = numberBytes(value);
  bytes[at] = (value < 0 ? 0xd0 : 0xcc) + (size === 5 ? 2 : size - 2);
  let end = at + 1;
  for (let shift = (size - 2) * 8; shift >= 0; shift -= 8) bytes[end++] = value >> shift;
  return end;
}

function writeScalar(bytes: Uint8Array, at: number, value: unknown): number {
  let end = at;
  if (typeof value === "number") {
    if (Number.isSafeInteger(value)) return writeInteger(bytes, at, value);
    double.setFloat64(0, value);
    bytes[end++] = 0xcb;
    for (let i = 0; i < 8; i++) bytes[end++] = double.getUint8(i);
  } else if (typeof value === "string") {
    bytes[end++] = 0xa0 | value.length;
    for (let i = 0; i < value.length; i++) bytes[end++] = value.charCodeAt(i);
  } else {
    bytes[end++] = typeof value === "boolean" ? (value ? 0xc3 : 0xc2) : 0xc0;
  }
  return end;
}

/** Writes a value for which {@link quickBytes} gave a size to `bytes` from `at` on. */
export function writeQuick(bytes: Uint8Array, at: number, value: unknown): void {
  if (!Array.isArray(value)) {
    writeScalar(bytes, at, value);
    return;
  }
  let next = at + 1;
  bytes[at] = 0x90 | value.length;
  for (const each of value) next = writeScalar(bytes, next, each);
}

/** Where the scalar ends that was read last. */
let readEnd = 0;

function readText(bytes: Uint8Array, at: number, length: number): unknown {
  let text = "";
  for (let i = at; i < at + length; i++) {
    const code = bytes[i] as number;
    if (code > 0x7f) return NOT_QUICK;
    text += String.fromCharCode(code);
  }
  return text;
}

function readDouble(bytes: Uint8Array, at: number): number {
  for (let i = 0; i < 8; i++) double.setUint8(i, bytes[at + i] as number);
  return double.getFloat64(0);
}

const u16 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at] as number) << 8) | (bytes[at + 1] as number);

const i32 = (bytes: Uint8Array, at: number): number => (u16(bytes, at) << 16) | u16(bytes, at + 2);

/** Sets {@link readEnd}, which may lie beyond `end`: the value is to be thrown away then. */
function readScalar(bytes: Uint8Array, at: number): unknown {
  const head = bytes[at] as number;
  readEnd = at + 1;
  if (head < 0x80) return head;
  if (head >= 0xe0) return head - 0x100;
  if (head >= 0xa0 && head < 0xc0) {
    readEnd += head & 31;
    return readEnd > bytes.length ? NOT_QUICK : readText(bytes, at + 1, head & 31);
  }
  return readWide(bytes, at + 1, head);
}

function readWide(bytes: Uint8Array, at: number, head: number): unknown {
  switch (head) {
    case 0xc0:
      return null;
    case 0xc2:
      return false;
    case 0xc3:
      return true;
    case 0xcb:
      readEnd = at + 8;
      return readDouble(bytes, at);
    case 0xcc:
      readEnd = at + 1;
      return bytes[at];
    case 0xcd:
      readEnd = at + 2;
      return u16(bytes, at);
    case 0xce:
      readEnd = at + 4;
      return i32(bytes, at) >>> 0;
    case 0xd0:
      readEnd = at + 1;
      return ((bytes[at] as number) << 24) >> 24;
    case 0xd1:
      readEnd = at + 2;
      return (u16(bytes, at) << 16) >> 16;
    case 0xd2:
      readEnd = at + 4;
      return i32(bytes, at);
    default:
      return NOT_QUICK;
  }
}

/** The quick value that fills `bytes` from `start` up to `end`, or {@link NOT_QUICK}. */
export function readQuick(bytes: Uint8Array, start: number, end: number): unknown {
  if (start >= end) return NOT_QUICK;
  const head = bytes[start] as number;
  if (head < 0x90 || head > 0x9f) {
    const value = readScalar(bytes, start);
    return readEnd === end ? value : NOT_QUICK;
  }
  const values: unknown[] = [];
  let at = start + 1;
  for (let left = head & 15; left > 0; left--) {
    if (at >= end) return NOT_QUICK;
    const value = readScalar(bytes, at);
    if (value === NOT_QUICK || readEnd > end) return NOT_QUICK;
    values.push(value);
    at = readEnd;
  }
  return at === end ? values : NOT_QUICK;
}
