/** A span as far as time goes, in nanoseconds. */
export interface TimedSpan {
  readonly id: string;
  readonly parent: string | undefined;
  readonly startNs: number;
  readonly durationNs: number;
  /** As in OTLP. What a consumer does was not waited for. */
  readonly kind: number;
}

const CONSUMER = 5;

/**
 * Time of each span that none of its children accounts for: its duration less the union of its
 * children, each cut to the span. Consumers do not count: nobody waited for them.
 */
export function selfTimes(spans: readonly TimedSpan[]): Float64Array {
  const indexes = new Map(spans.map(({ id }, index) => [id, index]));
  const children = new Map<number, TimedSpan[]>();
  for (const span of spans) {
    const parent = span.parent === undefined ? undefined : indexes.get(span.parent);
    if (parent === undefined || span.kind === CONSUMER || span.parent === span.id) continue;
    const list = children.get(parent);
    if (list === undefined) children.set(parent, [span]);
    else list.push(span);
  }
  return Float64Array.from(spans, (span, index) => {
    const below = children.get(index);
    return below === undefined ? span.durationNs : span.durationNs - covered(span, below);
  });
}

function covered(span: TimedSpan, children: TimedSpan[]): number {
  children.sort((a, b) => a.startNs - b.startNs);
  const endNs = span.startNs + span.durationNs;
  let [sum, reached] = [0, span.startNs];
  for (const child of children) {
    const from = Math.max(child.startNs, reached);
    const to = Math.min(child.startNs + child.durationNs, endNs);
    if (to <= from) continue;
    sum += to - from;
    reached = to;
  }
  return sum;
}
