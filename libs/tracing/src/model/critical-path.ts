/** What the critical path needs to know of a span. */
interface Timed {
  readonly index: number;
  /** Spans below it, at any depth: they follow it. */
  readonly below: number;
  readonly startMs: number;
  readonly endMs: number;
  /** For how long its parent was blocked on it, up to its end; `undefined`: from its start. */
  readonly awaitedMs?: number | undefined;
}

/** A stretch of time in which the whole trace waited for one span. */
export interface CriticalPart {
  readonly index: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * The chain of spans that made the first root take as long as it did, last part first: from its end
 * backwards, always into the child that ended last before that point (Jaeger's and CRISP's rule,
 * with children that touch counted as one after the other). Of a child of which it is known how long it was waited for, only
 * that time counts.
 * @param spans a parent before its children, siblings by start
 */
export function criticalPath(spans: readonly Timed[]): CriticalPart[] {
  const [root] = spans;
  if (root === undefined) return [];
  const waiting = new Map<Timed, Timed[]>();
  const waitingOf = (span: Timed): Timed[] => {
    let below = waiting.get(span);
    if (below === undefined) {
      below = childrenOf(spans, span).map(within(span)).sort(byEnd);
      waiting.set(span, below);
    }
    return below;
  };
  const parts: CriticalPart[] = [];
  // A span waits on the stack while its children are walked, with the time it has come down to.
  const stack: { span: Timed; cursor: number }[] = [{ span: root, cursor: root.endMs }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const { span, cursor } = top;
    const child = lastBefore(waitingOf(span), cursor);
    const { index } = span;
    if (child === undefined) {
      if (cursor > span.startMs) parts.push({ index, fromMs: span.startMs, toMs: cursor });
      stack.pop();
      continue;
    }
    if (child.endMs < cursor) parts.push({ index, fromMs: child.endMs, toMs: cursor });
    top.cursor = child.startMs;
    stack.push({ span: child, cursor: child.endMs });
  }
  return parts;
}

function childrenOf(spans: readonly Timed[], { index, below }: Timed): Timed[] {
  const children: Timed[] = [];
  let child: Timed | undefined;
  for (let at = index + 1; at <= index + below; at += (child?.below ?? 0) + 1) {
    child = spans[at];
    if (child !== undefined) children.push(child);
  }
  return children;
}

const byEnd = (a: Timed, b: Timed): number => a.endMs - b.endMs;

/** A child that outlives its parent was not waited for to its end, nor before its begin. */
const within =
  (above: Timed) =>
  ({ index, below, startMs, endMs, awaitedMs }: Timed): Timed => ({
    index,
    below,
    startMs: Math.max(
      awaitedMs === undefined ? startMs : endMs - awaitedMs,
      startMs,
      above.startMs,
    ),
    endMs: Math.min(endMs, above.endMs),
  });

/**
 * Takes the child that ends last at or before `cursor`; those that end later, or take no time of
 * the parent, are never wanted.
 */
function lastBefore(waiting: Timed[], cursor: number): Timed | undefined {
  for (let child = waiting.pop(); child !== undefined; child = waiting.pop()) {
    if (child.endMs <= cursor && child.endMs > child.startMs) return child;
  }
  return undefined;
}
