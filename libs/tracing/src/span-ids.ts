import { randomFillSync } from "node:crypto";

const POOL_WORDS = 4_096;
const pool = new Uint32Array(POOL_WORDS);
let used = POOL_WORDS;

/** A random number of 32 bits, from a pool that is filled 4 096 at a time. */
function random32(): number {
  if (used === POOL_WORDS) {
    randomFillSync(pool);
    used = 0;
  }
  return pool[used++] as number;
}

/** The id of a new span, never all zeros. */
export const newSpanId = (): [number, number] => [random32() || 1, random32()];

/** The id of a new trace, never all zeros. */
export const newTraceId = (): [number, number, number, number] => [
  random32() || 1,
  random32(),
  random32(),
  random32(),
];
