/**
 * Messages of `work`, each `[kind, queue, …]` (docs/protocol.md):
 *
 *     worker → queue   ready     credit, [[id, token], …]     how many at a time; what it runs
 *                      done      id, token, result            repeated until settled
 *                      failed    id, token, error
 *                      progress  id, token, value
 *     queue → worker   job       id, token, payload, headers, added
 *                      settled   id, token, accepted          the outcome is safe, or came late
 *                      revoke    id, token                    stop: nobody wants it any more
 */
export const Kind = {
  ready: 1,
  done: 2,
  failed: 3,
  progress: 4,
  job: 5,
  settled: 6,
  revoke: 7,
} as const;
