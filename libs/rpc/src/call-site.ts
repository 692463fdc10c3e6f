/** Stacks are kept for this many calls a second; beyond it a traceback begins at the remote side. */
const SITES_PER_SECOND_MAX = 1_000;
const FRAMES = 10;

let second = 0;
let taken = 0;

/**
 * Remembers where a call is made, so that a remote error can show it. Costs about a microsecond,
 * which is why a process that makes very many calls keeps only some.
 * @returns an object whose `stack` is formatted when it is read
 */
export function captureSite(nowMs: number): Error | undefined {
  const now = Math.floor(nowMs / 1_000);
  if (now !== second) {
    second = now;
    taken = 0;
  }
  if (++taken > SITES_PER_SECOND_MAX) return undefined;
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = FRAMES;
  const site = new Error("call");
  Error.stackTraceLimit = limit;
  return site;
}
