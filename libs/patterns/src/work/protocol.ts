/**
 * Messages of `work`, each `[kind, queue, …]` (docs/protocol.md). What one turn of the event loop
 * has to say of many jobs is one message:
 *
 *     worker → queue   ready     credit, [[id, token], …], name   how many at a time; what it runs
 *                      done      [[id, token, result], …], number repeated until settled
 *                      failed    [[id, token, error], …], number  repeated until settled
 *                      progress  id, token, value
 *                      release   [[id, token], …]                 not begun: give it to another
 *     queue → worker   jobs      [[id, token, payload, headers, due], …]
 *                      settled   [number, …]                      those outcomes are safe, or late
 *                      revoke    [[id, token, code], …]           stop: nobody wants it any more
 *     producer → queue ask       number, operation, […arguments]  repeated until answered
 *     queue → producer answer    number, error or nil, value
 */
export const Kind = {
  ready: 1,
  done: 2,
  failed: 3,
  progress: 4,
  jobs: 5,
  settled: 6,
  revoke: 7,
  release: 8,
  ask: 9,
  answer: 10,
} as const;

/** Jobs of one message at most: while one is worked on, the next is written. */
export const JOBS_MAX = 128;
/** Bytes of one message at most; a job that is longer goes alone. */
export const BATCH_BYTES = 1024 * 1024;
/** A payload or a result, encoded, at most. */
export const BODY_BYTES_MAX = 8 * 1024 * 1024;

/** The rows of a message; what is no row is left out. */
export function rowsOf(value: unknown): readonly (readonly unknown[])[] {
  return Array.isArray(value) ? value.filter((row): row is unknown[] => Array.isArray(row)) : [];
}
