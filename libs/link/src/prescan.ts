import { LinkError } from "./errors.ts";

/** Limits of what is decoded. Beyond them a message is refused before any memory is spent on it. */
export interface CodecLimits {
  /** Nesting of arrays and maps (default 64). */
  readonly depthMax: number;
  /** Values in all, keys included (default 100 000). */
  readonly itemsMax: number;
  /** Accept 64-bit integers beyond 2^53 as bigint (default false: they are refused). */
  readonly bigint: boolean;
  /** Ignore bytes after the value (default false: they are refused). */
  readonly trailing: boolean;
}

/** What {@link prescan} learnt on its way. */
export interface Scan {
  readonly items: number;
  /** True when a bin or ext value is inside: its decoded form would alias the bytes. */
  readonly binary: boolean;
  /** Where the value ends. */
  readonly end: number;
}

const TIMESTAMP = 0xff;
const SECOND_NS = 1_000_000_000;
/** One second less than ±100 million days, the range of Date. */
const DATE_SECONDS_MAX = 8_640_000_000_000 - 1;
const SAFE_HIGH = 0x1fffff;
/** Bytes of length field and fixed payload by head byte, 0xc4 to 0xdf. */
const LENGTH_BYTES = [1, 2, 4, 1, 2, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4];
const FIXED = [0, 0, 0, 0, 0, 0, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 1, 2, 4, 8, 16];

/** Values still to come at each depth; one for all scans, which never overlap. */
const open: number[] = [];

function refuse(what: string): never {
  throw new LinkError("ERR_LINK_PROTOCOL", `message refused: ${what}`);
}

function readLength(bytes: Uint8Array, at: number, width: number): number {
  if (at + width > bytes.length) refuse("it ends within a length");
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}

/** The only extension is the timestamp, of 4, 8 or 12 bytes, within what a Date can hold. */
function checkExtension(bytes: Uint8Array, at: number, length: number): void {
  if (bytes[at] !== TIMESTAMP) refuse(`extension type ${bytes[at] ?? "missing"} is not allowed`);
  if (length !== 4 && length !== 8 && length !== 12) refuse(`a timestamp of ${length} bytes`);
  if (length === 4) return;
  const nanoseconds = readLength(bytes, at + 1, 4);
  if (length === 8 ? nanoseconds >>> 2 >= SECOND_NS : nanoseconds >= SECOND_NS) {
    refuse("a timestamp with more than a second of nanoseconds");
  }
  if (length === 8) return;
  const high = readLength(bytes, at + 5, 4) | 0;
  const seconds = high * 2 ** 32 + readLength(bytes, at + 9, 4);
  if (Math.abs(seconds) > DATE_SECONDS_MAX) refuse("a timestamp beyond what a Date holds");
}

function checkInteger(bytes: Uint8Array, at: number, signed: boolean): void {
  const high = readLength(bytes, at, 4);
  const safe = high <= SAFE_HIGH || (signed && high >= 0xffffffff - SAFE_HIGH);
  if (!safe) refuse("an integer beyond 2^53; ask for `bigint` to accept it");
}

/**
 * Walks one msgpack value in a straight line before it is decoded: declared sizes against the
 * bytes that are there, depth, number of values, extension types, integers that a double cannot
 * hold. About 150 ns for a message of 100 bytes; a bomb that claims gigabytes ends in microseconds.
 * @param bytes one value, nothing after it unless `trailing` allows that
 * @throws LinkError ERR_LINK_PROTOCOL naming the rule that was broken
 */
export function prescan(
  bytes: Uint8Array,
  limits: CodecLimits,
  start = 0,
  end = bytes.length,
): Scan {
  const size = end;
  let depth = 0;
  let at = start;
  let items = 0;
  let binary = false;
  open[0] = 1;
  for (;;) {
    while (open[depth] === 0) depth--;
    if (depth < 0) break;
    open[depth] = (open[depth] as number) - 1;
    if (++items > limits.itemsMax) refuse(`more than ${limits.itemsMax} values`);
    if (at >= size) refuse("it ends too early");
    const head = bytes[at++] as number;
    let children = 0;
    if (head < 0x80 || head >= 0xe0 || head === 0xc0 || head === 0xc2 || head === 0xc3) continue;
    if (head < 0x90) children = (head & 15) * 2;
    else if (head < 0xa0) children = head & 15;
    else if (head < 0xc0) at += head & 31;
    else if (head === 0xc1) refuse("byte 0xc1 is not msgpack");
    else if (head >= 0xdc) {
      const width = head & 1 ? 4 : 2;
      children = readLength(bytes, at, width) * (head >= 0xde ? 2 : 1);
      at += width;
    } else {
      const width = LENGTH_BYTES[head - 0xc4] ?? 0;
      const length = width > 0 ? readLength(bytes, at, width) : (FIXED[head - 0xc4] ?? 0);
      at += width;
      if ((head >= 0xc7 && head <= 0xc9) || (head >= 0xd4 && head <= 0xd8)) {
        checkExtension(bytes, at++, length);
      }
      if ((head === 0xcf || head === 0xd3) && !limits.bigint) {
        checkInteger(bytes, at, head === 0xd3);
      }
      if (head < 0xca || (head >= 0xd4 && head <= 0xd8)) binary = true;
      at += length;
    }
    if (at > size) refuse("a value is longer than the message");
    if (children === 0) continue;
    if (children > size - at) refuse("a container claims more values than there are bytes");
    if (++depth > limits.depthMax) refuse(`nested deeper than ${limits.depthMax}`);
    open[depth] = children;
  }
  if (at !== size && !limits.trailing) refuse(`${size - at} bytes after the value`);
  return { items, binary, end: at };
}
