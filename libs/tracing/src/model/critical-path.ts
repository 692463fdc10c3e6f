import { CONSUMER, NONE, type Node } from "./node.ts";

/** What the critical path needs to know of a span. */
type Timed = Pick<Node, "index" | "parent" | "below" | "startMs" | "endMs" | "kind" | "awaitMs">;

/** A stretch of time in which the whole trace waited for one span. */
export interface CriticalPart {
  readonly index: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * What the length of a trace is made of, by time: walked back from the end of its longest root. Where
 * it is known how long a caller waited, only that time is the child's; else the child that ended last,
 * at the same time or before, was waited for from its start. Consumers and what goes on after its
 * parent were not waited for.
 * @param order a parent before its children, siblings by start
 * @param rootsEnd place after the last span that a root leads to
 */
export function criticalPath(order: readonly Timed[], rootsEnd = order.length): CriticalPart[] {
  const root = longestRoot(order, rootsEnd);
  if (root === undefined) return [];
  const parts: CriticalPart[] = [];
  const stack = [frameOf(order, root, root.startMs, root.endMs)];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const next = advance(order, top, parts);
    if (next === undefined) stack.pop();
    else stack.push(next);
  }
  return parts.reverse();
}

function longestRoot(order: readonly Timed[], end: number): Timed | undefined {
  let longest: Timed | undefined;
  for (let at = 0; at < end; at += (order[at]?.below ?? 0) + 1) {
    const root = order[at];
    if (root?.parent === NONE && (longest === undefined || lengthOf(root) > lengthOf(longest)))
      longest = root;
  }
  return longest;
}

const lengthOf = ({ startMs, endMs }: Timed): number => endMs - startMs;

/** A span on the way back, from `untilMs` to `fromMs`. */
interface Frame {
  readonly span: Timed;
  readonly fromMs: number;
  untilMs: number;
  /** By end; the last one is next. */
  readonly left: Timed[];
}

function frameOf(order: readonly Timed[], span: Timed, fromMs: number, untilMs: number): Frame {
  const left: Timed[] = [];
  const end = span.index + span.below;
  let child: Timed | undefined;
  for (let at = span.index + 1; at <= end; at += (child?.below ?? 0) + 1) {
    child = order[at];
    if (child !== undefined && child.kind !== CONSUMER) left.push(child);
  }
  left.sort((a, b) => a.endMs - b.endMs);
  return { span, fromMs, untilMs, left };
}

/** @returns the child to go into, or `undefined` when the span is done */
function advance(order: readonly Timed[], frame: Frame, parts: CriticalPart[]): Frame | undefined {
  const { span, fromMs } = frame;
  for (let child = frame.left.pop(); child !== undefined; child = frame.left.pop()) {
    const { startMs, endMs, awaitMs } = child;
    const waitedFromMs = awaitMs === undefined ? startMs : endMs - awaitMs;
    const beginMs = Math.max(waitedFromMs, startMs, fromMs);
    if (endMs > frame.untilMs || endMs <= beginMs) continue;
    add(parts, span, endMs, frame.untilMs);
    frame.untilMs = beginMs;
    return frameOf(order, child, beginMs, endMs);
  }
  add(parts, span, fromMs, frame.untilMs);
  return undefined;
}

function add(parts: CriticalPart[], { index }: Timed, fromMs: number, toMs: number): void {
  if (toMs > fromMs) parts.push({ index, fromMs, toMs });
}
