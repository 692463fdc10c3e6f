/**
 * Control messages of `feed`, each `[kind, feed, …]`. Either side may have dialled.
 *
 *     follower → publisher   follow   patterns, port, from        from: "now", "last" or a time
 *                            ask      from, to
 *     publisher → follower   offer    node, epoch, head, port, base, start?
 *                                                              without start nobody has followed
 *                            replay   epoch, [message, …], [from, to, oldest, next, holes]
 *                            beat     epoch, [[topic, last], …], head   twice a second: what changed
 */
export const Kind = { follow: 1, ask: 2, offer: 3, replay: 4, beat: 5 } as const;

/** Messages of one replay: more are asked for again. */
export const REPLAY_MAX = 500;
export const BEAT_MS = 500;
