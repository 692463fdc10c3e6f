import type { TimedSpan } from "./self-time.ts";

/** A span of which it may be known for how long its caller waited. */
export interface AwaitedSpan extends TimedSpan {
  /** `zp.await_ns`: how long the caller was blocked on it, until its end. */
  readonly awaitNs?: number | undefined;
}

/** A stretch of the critical path: in this time, `id` is what everybody waited for. */
export interface PathStep {
  readonly id: string;
  readonly fromNs: number;
  readonly toNs: number;
}

const CONSUMER = 5;

/**
 * What the trace's length is made of, by time: walked back from the end of its root. Where it is known
 * how long a caller waited (`awaitNs`), only that time is the child's; else the child that ended last, at the
 * same time or before, was waited for from its start. Cycles and spans without a root are left out.
 */
export function criticalPath(spans: readonly AwaitedSpan[]): PathStep[] {
  const known = new Set(spans.map(({ id }) => id));
  const children = Map.groupBy(
    spans.filter(
      ({ kind, parent, id }) => kind !== CONSUMER && parent !== undefined && parent !== id,
    ),
    ({ parent }) => parent as string,
  );
  const roots = spans.filter(({ parent }) => parent === undefined || !known.has(parent));
  const root = roots.reduce<AwaitedSpan | undefined>(
    (longest, each) =>
      longest !== undefined && longest.durationNs >= each.durationNs ? longest : each,
    undefined,
  );
  if (root === undefined) return [];
  const steps: PathStep[] = [];
  const stack: Frame[] = [frameOf(root, root.startNs, endOf(root), children)];
  while (stack.length > 0) {
    const next = advance(stack.at(-1) as Frame, children, steps);
    if (next === undefined) stack.pop();
    else stack.push(next);
  }
  return steps.toReversed();
}

/** A span on the way back, from `untilNs` to `fromNs`. */
interface Frame {
  readonly span: AwaitedSpan;
  readonly fromNs: number;
  untilNs: number;
  /** By end; the last one is next. */
  readonly left: AwaitedSpan[];
}

type Children = ReadonlyMap<string, readonly AwaitedSpan[]>;

const endOf = (span: TimedSpan): number => span.startNs + span.durationNs;

function frameOf(span: AwaitedSpan, fromNs: number, untilNs: number, children: Children): Frame {
  const left = (children.get(span.id) ?? []).toSorted((a, b) => endOf(a) - endOf(b));
  return { span, fromNs, untilNs, left };
}

/** @returns the child to go into, or `undefined` when the span is done */
function advance(frame: Frame, children: Children, steps: PathStep[]): Frame | undefined {
  const { span, fromNs } = frame;
  for (let child = frame.left.pop(); child !== undefined; child = frame.left.pop()) {
    const endNs = endOf(child);
    const waitedFromNs = child.awaitNs === undefined ? child.startNs : endNs - child.awaitNs;
    const beginNs = Math.max(waitedFromNs, child.startNs, fromNs);
    if (endNs > frame.untilNs || endNs <= beginNs) continue;
    step(steps, span.id, endNs, frame.untilNs);
    frame.untilNs = beginNs;
    return frameOf(child, beginNs, endNs, children);
  }
  step(steps, span.id, fromNs, frame.untilNs);
  return undefined;
}

function step(steps: PathStep[], id: string, fromNs: number, toNs: number): void {
  if (toNs > fromNs) steps.push({ id, fromNs, toNs });
}
