import { type NamedNode, type Part, parentsOf } from "./node.ts";
import { treeOf } from "./tree.ts";

/** Spans in the order of a tree: each before what is below it, siblings by start. */
export interface Arrangement<Span> {
  readonly order: readonly Span[];
  /** Spans whose parent has not come. */
  readonly orphans: number;
  /** Spans that were their own ancestors, and are roots here. */
  readonly cycles: number;
}

/**
 * Puts the spans of a trace into their places, with their self times and what of them is on the
 * critical path. Of doubles the last is taken.
 */
export function arrange<Span extends NamedNode>(spans: readonly Span[]): Arrangement<Span> {
  const byStart = spans.toSorted((a, b) => a.startMs - b.startMs);
  const { order, cycles, orphans, ...tree } = treeOf({
    startMs: Float64Array.from(byStart, ({ startMs }) => startMs),
    endMs: Float64Array.from(byStart, ({ endMs }) => endMs),
    awaitMs: Float64Array.from(byStart, ({ awaitMs }) => awaitMs ?? Number.NaN),
    kind: Uint8Array.from(byStart, ({ kind }) => kind),
    parents: parentsOf(byStart),
  });
  const { first, fromMs, toMs } = tree.critical;
  const placed = Array.from(order, (at, index) => {
    const span = byStart[at] as Span;
    span.index = index;
    span.parent = tree.parent[index] as number;
    span.depth = tree.depth[index] as number;
    span.below = tree.below[index] as number;
    span.selfMs = tree.selfMs[index] as number;
    const critical: Part[] = [];
    for (let i = first[index] as number; i < (first[index + 1] as number); i++)
      critical.push({ fromMs: fromMs[i] as number, toMs: toMs[i] as number });
    span.critical = critical;
    return span;
  });
  return { order: placed, cycles, orphans };
}
