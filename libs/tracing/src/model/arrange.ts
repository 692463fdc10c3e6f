import { criticalPath } from "./critical-path.ts";
import { LOST, type NamedNode, NONE, type Node, type Part, parentsOf } from "./node.ts";
import { selfTimes } from "./self-time.ts";

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
 * critical path. Of doubles the last is taken. Without recursion: depth has no limit.
 */
export function arrange<Span extends NamedNode>(spans: readonly Span[]): Arrangement<Span> {
  const byStart = spans.toSorted((a, b) => a.startMs - b.startMs);
  return arrangeLinked(byStart, parentsOf(byStart));
}

/**
 * The same for spans that are in the order of their starts.
 * @param parents of each the place of its parent among `spans`, or `NONE`, `LOST`, `DOUBLE`
 */
export function arrangeLinked<Span extends Node>(
  spans: readonly Span[],
  parents: Int32Array,
): Arrangement<Span> {
  const { order, cycles, firstCycle } = ordered(spans, parents);
  for (let i = order.length - 1; i >= 0; i--) {
    const span = order[i] as Span;
    const parent = order[span.parent];
    if (parent !== undefined) parent.below += span.below + 1;
  }
  const self = selfTimes(order);
  for (const span of order) span.selfMs = self[span.index] ?? 0;
  for (const part of criticalPath(order, firstCycle)) {
    const span = order[part.index] as Span;
    if (span.critical.length === 0) span.critical = [part];
    else (span.critical as Part[]).push(part);
  }
  return { order, cycles, orphans: parents.reduce((n, at) => (at === LOST ? n + 1 : n), 0) };
}

interface Ordered<Span> {
  readonly order: Span[];
  readonly cycles: number;
  /** Place of the first span that goes round in a circle, or the end. */
  readonly firstCycle: number;
}

function ordered<Span extends Node>(spans: readonly Span[], parents: Int32Array): Ordered<Span> {
  // Children as a list in arrays: objects for each would cost more than all the rest.
  const first = new Int32Array(spans.length).fill(NONE);
  const next = new Int32Array(spans.length).fill(NONE);
  const roots: number[] = [];
  for (let i = spans.length - 1; i >= 0; i--) {
    const parent = parents[i] as number;
    if (parent === NONE || parent === LOST) roots.push(i);
    if (parent < 0) continue;
    next[i] = first[parent] as number;
    first[parent] = i;
  }
  const order: Span[] = [];
  const seen = new Uint8Array(spans.length);
  const walk = (root: number): void => {
    const stack = [root];
    const above = [NONE];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const parent = above.pop() as number;
      if (seen[at] === 1) continue;
      seen[at] = 1;
      const span = spans[at] as Span;
      place(span, parent, order);
      const from = stack.length;
      for (let child = first[at] as number; child !== NONE; child = next[child] as number) {
        stack.push(child);
        above.push(span.index);
      }
      reverseFrom(stack, from);
    }
  };
  for (const root of roots.reverse()) walk(root);
  const firstCycle = order.length;
  let cycles = 0;
  // What no root leads to goes round in a circle: it is cut at its first span.
  for (let i = 0; i < spans.length; i++) {
    if (seen[i] === 1 || (parents[i] as number) < 0) continue;
    cycles++;
    walk(i);
  }
  return { order, cycles, firstCycle };
}

function place<Span extends Node>(span: Span, parent: number, order: Span[]): void {
  span.index = order.length;
  span.parent = parent;
  span.depth = parent === NONE ? 0 : (order[parent] as Span).depth + 1;
  order.push(span);
}

/** What is taken from the end of a stack comes in the order in which it was put there. */
function reverseFrom(stack: number[], from: number): void {
  for (let a = from, b = stack.length - 1; a < b; a++, b--) {
    [stack[a], stack[b]] = [stack[b] as number, stack[a] as number];
  }
}
