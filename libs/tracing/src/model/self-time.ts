import { CONSUMER, type NamedNode, parentsOf } from "./node.ts";

/** What self time needs to know of spans, a column each: siblings by start, `parent` a place among them. */
interface TimedColumns {
  readonly parent: Int32Array;
  readonly startMs: Float64Array;
  readonly endMs: Float64Array;
  readonly kind: Uint8Array;
}

/**
 * Time of each span in which none of its children ran: its duration without the union of theirs,
 * each cut to it. Consumers do not count: nobody waited for them.
 */
export function selfTimes({ parent, startMs, endMs, kind }: TimedColumns): Float64Array {
  const self = new Float64Array(parent.length);
  for (let i = 0; i < self.length; i++) self[i] = (endMs[i] as number) - (startMs[i] as number);
  // Up to where the children so far have covered their parent.
  const covered = startMs.slice();
  for (let i = 0; i < self.length; i++) {
    const above = parent[i] as number;
    if (above < 0 || above === i || kind[i] === CONSUMER) continue;
    const from = Math.max(startMs[i] as number, covered[above] as number);
    const to = Math.min(endMs[i] as number, endMs[above] as number);
    if (to <= from) continue;
    self[above] = (self[above] as number) - (to - from);
    covered[above] = to;
  }
  for (let i = 0; i < self.length; i++) self[i] = Math.max(0, self[i] as number);
  return self;
}

/** A span of which only its parent's name and its time are known. */
export type TimedByName = Pick<NamedNode, "id" | "parentId" | "startMs" | "endMs" | "kind">;

/** The same, in the order of `spans`, which may be any. */
export function selfTimesByName(spans: readonly TimedByName[]): Float64Array {
  const places = Int32Array.from(spans.keys()).sort(
    (a, b) => (spans[a]?.startMs ?? 0) - (spans[b]?.startMs ?? 0),
  );
  const byStart = Array.from(places, (at) => spans[at] as TimedByName);
  const self = selfTimes({
    parent: parentsOf(byStart),
    startMs: Float64Array.from(byStart, ({ startMs }) => startMs),
    endMs: Float64Array.from(byStart, ({ endMs }) => endMs),
    kind: Uint8Array.from(byStart, ({ kind }) => kind),
  });
  const found = new Float64Array(spans.length);
  for (const [i, at] of places.entries()) found[at] = self[i] ?? 0;
  return found;
}
