import { randomFillSync } from "node:crypto";
import { TraceId, Traceparent } from "@zeroplane/link";

const POOL_WORDS = 4_096;
const pool = new Int32Array(POOL_WORDS);
let used = POOL_WORDS;

/** A random integer of 32 bits, from a pool that is filled 4 096 at a time. */
function random32(): number {
  if (used === POOL_WORDS) {
    randomFillSync(pool);
    used = 0;
  }
  return pool[used++] as number;
}

/** The place of a new span in `trace`; its id is never all zeros. */
export const newPlace = (trace: TraceId, flags: number): Traceparent =>
  new Traceparent(trace, random32() || 1, random32(), flags);

/**
 * The id of a new trace, never all zeros.
 * @param below gives `undefined` unless the id's share is under this, 0 to 2 ** 32: what
 *   TraceIdRatioBasedSampler of the SDK takes from it
 */
export function newTraceId(below: number): TraceId | undefined {
  const share = random32();
  if (share >>> 0 >= below) return undefined;
  const [a, b, c] = [random32() || 1, random32(), random32()];
  return new TraceId(a, b, c, a ^ b ^ c ^ share);
}
