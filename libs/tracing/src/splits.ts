import { ATTR_AWAIT, ATTR_LAG, ATTR_QUEUE, ATTR_UNAWAITED } from "./names.ts";

/**
 * What the time of a call was made of, in 32 bits, so that a row of it stays as short as it is. Of a
 * client: for how long its caller was blocked. Of a server: how long it waited, twice 16 bits.
 */
export type Split = number;

/** Nobody knows: a stream, or a row of before. */
export const SPLIT_UNKNOWN: Split = 0;
/** The result came, and nobody had waited for it. */
export const SPLIT_UNAWAITED: Split = -1;

const CLIENT_US_MAX = 2 ** 32 - 3;
const MANTISSA_BITS = 12;
const MANTISSA_MAX = 2 ** MANTISSA_BITS - 1;
const EXPONENT_MAX = 15;

/** The split of a client: its caller was blocked on it for `ms`, up to its end; at most 71 minutes. */
export function clientSplit(ms: number): Split {
  const us = Math.round(ms * 1_000);
  return (Math.min(Math.max(us, 0), CLIENT_US_MAX) + 1) | 0;
}

/**
 * The split of a server: exact below 4 ms, to 0.05 % above, at most 134 s each.
 * @param queueMs from when its message was taken from the socket to its start
 * @param lagMs for how long the event loop had been late when it was taken
 */
export const serverSplit = (queueMs: number, lagMs: number): Split =>
  queueMs < 0.000_5 && lagMs < 0.000_5
    ? SPLIT_UNKNOWN
    : (toFloat16(queueMs) << 16) | toFloat16(lagMs);

/** A duration as a number of microseconds with 12 bits and how often it is doubled, 4 bits. */
function toFloat16(ms: number): number {
  let us = Math.round(ms * 1_000);
  let exponent = 0;
  while (us > MANTISSA_MAX && exponent < EXPONENT_MAX) {
    us = Math.round(us / 2);
    exponent++;
  }
  return (exponent << MANTISSA_BITS) | Math.min(Math.max(us, 0), MANTISSA_MAX);
}

const microseconds = (float16: number): number =>
  (float16 & MANTISSA_MAX) * 2 ** (float16 >>> MANTISSA_BITS);

/** Attributes of a split, nanoseconds; what took no time, or is not known, is left out. */
export type SplitAttributes = Readonly<Record<string, number | boolean>>;

/** What `split` says of a span, as attributes; `undefined` when that is nothing. */
export function splitAttributes(split: Split, isServer: boolean): SplitAttributes | undefined {
  if (split === SPLIT_UNKNOWN) return undefined;
  if (!isServer) {
    if (split === SPLIT_UNAWAITED) return { [ATTR_UNAWAITED]: true };
    return { [ATTR_AWAIT]: ((split >>> 0) - 1) * 1_000 };
  }
  const queueUs = microseconds(split >>> 16);
  const lagUs = microseconds(split & 0xffff);
  return {
    ...(queueUs > 0 && { [ATTR_QUEUE]: queueUs * 1_000 }),
    ...(lagUs > 0 && { [ATTR_LAG]: lagUs * 1_000 }),
  };
}
