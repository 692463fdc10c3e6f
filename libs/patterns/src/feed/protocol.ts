/**
 * Control messages of `feed`, each `[kind, feed, …]`. Either side may have dialled.
 *
 *     follower → publisher   follow   patterns, port, from        from: "now", "last" or a time
 *                            ask      from, to
 *     publisher → follower   offer    node, epoch, head, port, base, [head, [[topic, head], …]]?
 *                                     without where it begins before anything was asked
 *                            replay   epoch, records, [from, to, oldest, next, [[from, to], …]]
 *                            beat     epoch, [[topic, last], …], head    twice a second
 */
export const Kind = { follow: 1, ask: 2, offer: 3, replay: 4, beat: 5 } as const;

/** Bytes of one replay: more is asked for again. */
export const REPLAY_BYTES = 256 * 1024;
export const BEAT_MS = 500;
