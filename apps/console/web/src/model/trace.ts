import { arrange } from "@zeroplane/tracing/model";
import { type Instant, instantOf, msBetween, type OtlpTrace, spansOf } from "./otlp.ts";
import { Span } from "./span.ts";

/** A trace, its spans in the order of a tree: each before what is below it, siblings by start. */
export interface Trace {
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly startedAtMs: number;
  readonly durationMs: number;
  readonly spans: readonly Span[];
  /** Those of the spans, by their first one. */
  readonly services: readonly string[];
  readonly errors: number;
  /** Spans whose parent has not come. */
  readonly orphans: number;
  /** Spans that were their own ancestors, and are shown as roots. */
  readonly cycles: number;
}

/** Puts the spans of a trace into their places. Doubles are shown once. */
export function traceOf(id: string, otlp: OtlpTrace): Trace {
  const { spans, start } = timed(otlp);
  const { order, orphans, cycles } = arrange(spans);
  let [durationMs, errors] = [0, 0];
  for (const { endMs, failure } of order) {
    durationMs = Math.max(durationMs, endMs);
    if (failure !== undefined) errors++;
  }
  return {
    id,
    startedAtMs: start.seconds * 1_000 + start.ns / 1e6,
    durationMs,
    spans: order,
    services: [...new Set(order.map(({ service }) => service))],
    errors,
    orphans,
    cycles,
  };
}

function timed(otlp: OtlpTrace): { spans: Span[]; start: Instant } {
  const found = spansOf(otlp);
  const starts = found.map(({ span }) => instantOf(span.startTimeUnixNano));
  let start = starts[0] ?? { seconds: 0, ns: 0 };
  for (const at of starts) if (msBetween(at, start) > 0) start = at;
  const spans = found.map((each, i) => {
    const startMs = msBetween(start, starts[i] as Instant);
    return new Span(each, startMs, msBetween(start, instantOf(each.span.endTimeUnixNano)));
  });
  return { spans, start };
}
