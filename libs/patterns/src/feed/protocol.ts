/**
 * Control messages of `feed`, each `[kind, feed, …]`. Either side may have dialled.
 *
 *     follower → publisher   follow   patterns, port, from, probe   from: "now", "last" or a time
 *                            ask      from, to
 *                            here     the probe has come on the data lane
 *     publisher → follower   offer    node, epoch, head, port, base, [head, [[topic, head], …]]?
 *                                     without where it begins before anything was asked
 *                            replay   epoch, records, [from, to, oldest, next, [[from, to], …]]
 *                            beat     epoch, [[topic, last], …], head    twice a second
 */
export const Kind = { follow: 1, ask: 2, offer: 3, replay: 4, beat: 5, here: 6 } as const;

/** First wait between two probes of a data lane, doubled up to a beat. */
export const PROBE_MS = 5;

/** Bytes of one replay: more is asked for again. */
export const REPLAY_BYTES = 256 * 1024;
export const BEAT_MS = 500;
