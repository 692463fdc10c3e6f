import { CONSUMER, type NamedNode, type Node, parentsOf } from "./node.ts";

/** What self time needs to know of a span. */
type Timed = Pick<Node, "parent" | "startMs" | "endMs" | "kind">;

/**
 * Time of each span in which none of its children ran: its duration without the union of theirs,
 * each cut to it. Consumers do not count: nobody waited for them.
 * @param spans siblings by start; `parent` is a place among them
 */
export function selfTimes(spans: readonly Timed[]): Float64Array {
  const self = Float64Array.from(spans, ({ startMs, endMs }) => endMs - startMs);
  // Up to where the children so far have covered their parent.
  const covered = Float64Array.from(spans, ({ startMs }) => startMs);
  for (const span of spans) {
    const { parent, startMs, endMs, kind } = span;
    const above = spans[parent];
    if (above === undefined || above === span || kind === CONSUMER) continue;
    const from = Math.max(startMs, covered[parent] ?? 0);
    const to = Math.min(endMs, above.endMs);
    if (to <= from) continue;
    self[parent] = (self[parent] ?? 0) - (to - from);
    covered[parent] = to;
  }
  return self.map((ms) => Math.max(0, ms));
}

/** A span of which only its parent's name and its time are known. */
export type TimedByName = Pick<NamedNode, "id" | "parentId" | "startMs" | "endMs" | "kind">;

/** The same, in the order of `spans`, which may be any. */
export function selfTimesByName(spans: readonly TimedByName[]): Float64Array {
  const places = Int32Array.from(spans.keys()).sort(
    (a, b) => (spans[a]?.startMs ?? 0) - (spans[b]?.startMs ?? 0),
  );
  const byStart = Array.from(places, (at) => spans[at] as TimedByName);
  const parents = parentsOf(byStart);
  const self = selfTimes(
    byStart.map(({ startMs, endMs, kind }, i) => ({
      startMs,
      endMs,
      kind,
      parent: parents[i] as number,
    })),
  );
  const found = new Float64Array(spans.length);
  for (const [i, at] of places.entries()) found[at] = self[i] ?? 0;
  return found;
}
