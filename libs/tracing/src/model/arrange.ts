import { criticalPath } from "./critical-path.ts";
import { selfTimes } from "./self-time.ts";

/** A stretch of time. */
export interface Part {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A span that {@link arrange} puts into its place. Times are milliseconds from any zero. */
export interface Node {
  readonly id: string;
  /** "" for none. */
  readonly parentId: string;
  readonly startMs: number;
  readonly endMs: number;
  /** As in OTLP: 5 for what a consumer does, which is not its sender's time. */
  readonly kind: number;
  /** For how long its caller was blocked on it, up to its end; `undefined` when that is not known. */
  readonly awaitedMs?: number | undefined;
  /** Its place in the order. */
  index: number;
  /** Place of its parent, -1 for a root. */
  parent: number;
  depth: number;
  /** Spans below it, at any depth: they follow it directly. */
  below: number;
  /** Duration without the time in which a child ran. */
  selfMs: number;
  /** Parts of it that the whole trace waited for. */
  critical: Part[];
}

/** The place of a span before it has one. */
export const nowhere = (): Pick<
  Node,
  "index" | "parent" | "depth" | "below" | "selfMs" | "critical"
> => ({ index: 0, parent: NONE, depth: 0, below: 0, selfMs: 0, critical: [] });

/** Spans in the order of a tree: each before what is below it, siblings by start. */
export interface Arrangement<Span extends Node> {
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
export function arrange<Span extends Node>(spans: readonly Span[]): Arrangement<Span> {
  const found = ordered(spans.toSorted((a, b) => a.startMs - b.startMs));
  const { order } = found;
  for (let i = order.length - 1; i >= 0; i--) {
    const span = order[i] as Span;
    const parent = order[span.parent];
    if (parent !== undefined) parent.below += span.below + 1;
  }
  const self = selfTimes(order);
  for (const span of order) span.selfMs = self[span.index] ?? 0;
  for (const { index, fromMs, toMs } of criticalPath(order)) {
    order[index]?.critical.unshift({ fromMs, toMs });
  }
  return found;
}

const NONE = -1;

/** @param spans by start */
function ordered<Span extends Node>(spans: readonly Span[]): Arrangement<Span> {
  const places = new Map<string, number>();
  for (let i = 0; i < spans.length; i++) places.set((spans[i] as Span).id, i);
  // Children as a list in arrays: objects for each would cost more than all the rest.
  const first = new Int32Array(spans.length).fill(NONE);
  const next = new Int32Array(spans.length).fill(NONE);
  const roots: number[] = [];
  let orphans = 0;
  for (let i = spans.length - 1; i >= 0; i--) {
    const { id, parentId } = spans[i] as Span;
    // A double is shown once.
    if (places.get(id) !== i) continue;
    const parent = places.get(parentId);
    if (parent === undefined) {
      roots.push(i);
      if (parentId !== "") orphans++;
    } else {
      next[i] = first[parent] as number;
      first[parent] = i;
    }
  }
  const order: Span[] = [];
  const seen = new Uint8Array(spans.length);
  const walk = (root: number): void => {
    const stack = [root];
    const parents = [NONE];
    for (let at = stack.pop(); at !== undefined; at = stack.pop()) {
      const parent = parents.pop() as number;
      if (seen[at] === 1) continue;
      seen[at] = 1;
      const span = spans[at] as Span;
      place(span, parent, order);
      const from = stack.length;
      for (let child = first[at] as number; child !== NONE; child = next[child] as number) {
        stack.push(child);
        parents.push(span.index);
      }
      reverseFrom(stack, from);
    }
  };
  for (const root of roots.reverse()) walk(root);
  let cycles = 0;
  // What no root leads to goes round in a circle: it is cut at its first span.
  for (let i = 0; i < spans.length; i++) {
    if (seen[i] === 1 || places.get((spans[i] as Span).id) !== i) continue;
    cycles++;
    walk(i);
  }
  return { order, orphans, cycles };
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
