/** What self time needs to know of a span. */
interface Timed {
  readonly parent: number;
  readonly startMs: number;
  readonly endMs: number;
  /** As in OTLP; what a consumer does is not its sender's time. */
  readonly kind: number;
}

const CONSUMER = 5;

/**
 * Time of each span in which none of its children ran: its duration without the union of theirs,
 * each cut to it.
 * @param spans a parent before its children, siblings by start
 */
export function selfTimes(spans: readonly Timed[]): number[] {
  const self = spans.map(({ startMs, endMs }) => endMs - startMs);
  // Up to where the children so far have covered their parent.
  const covered = spans.map(({ startMs }) => startMs);
  for (const { parent, startMs, endMs, kind } of spans) {
    const above = spans[parent];
    if (above === undefined || kind === CONSUMER) continue;
    const from = Math.max(startMs, covered[parent] ?? 0);
    const to = Math.min(endMs, above.endMs);
    if (to <= from) continue;
    self[parent] = (self[parent] ?? 0) - (to - from);
    covered[parent] = to;
  }
  return self.map((ms) => Math.max(0, ms));
}
