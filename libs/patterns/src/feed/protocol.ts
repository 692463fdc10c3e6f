import type { Message } from "../channel.ts";
import type { Replay } from "./follower-core.ts";
import type { Lasts } from "./publisher-core.ts";
import type { Offer } from "./publishers.ts";

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

/** @returns what an `offer` says, and the port of the data lane: 0 when the other side has bound it */
export function offerOf(message: Message): Offer & { readonly port: number } {
  const [, , node, epoch, head, port, base, where] = message;
  const [from, topics] = Array.isArray(where) ? (where as [number, Lasts]) : [];
  return {
    origin: { node: String(node), epoch: Number(epoch) },
    head: Number(head),
    base: Number(base),
    port: Number(port),
    start: from === undefined ? undefined : { head: from, topics: topics ?? [] },
  };
}

/** @returns what a `replay` says of itself, in its last list */
export function replayOf(fields: readonly unknown[]): Replay {
  const [from, to, oldest, next, holes] = fields as [number, number, number, number, number[][]];
  const gaps = holes.map(([first = 0, last = 0]) => ({ from: first, to: last }));
  return { from, to, oldest, next, holes: gaps };
}
