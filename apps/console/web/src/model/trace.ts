import { arrangeLinked, type Skeleton } from "@zeroplane/tracing/model";
import { placeOf, Span } from "./span.ts";

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
  /** Log records that belong to it. */
  readonly logs: number;
  /** Spans whose parent has not come. */
  readonly orphans: number;
  /** Spans that were their own ancestors, and are shown as roots. */
  readonly cycles: number;
  /** True when there are more spans than these. */
  readonly isCut: boolean;
  /** The span with an id. */
  readonly find: (id: string) => Span | undefined;
}

/** Puts the spans of a trace into their places. */
export function traceOf(id: string, skeleton: Skeleton): Trace {
  const failures = new Map(skeleton.failures.map((failure) => [failure.at, failure]));
  const spans: Span[] = [];
  for (let at = 0; at < skeleton.startMs.length; at++)
    spans.push(new Span(skeleton, at, failures.get(at)));
  const { order, orphans, cycles } = arrangeLinked(spans, skeleton.parents);
  let durationMs = 0;
  for (const endMs of skeleton.endMs) durationMs = Math.max(durationMs, endMs);
  return {
    id,
    startedAtMs: skeleton.startedAtMs,
    durationMs,
    spans: order,
    services: [...new Set(order.map(({ service }) => service))],
    errors: skeleton.failures.length,
    logs: skeleton.logs,
    orphans,
    cycles,
    isCut: skeleton.isCut,
    find: (wanted) => spans[placeOf(skeleton.ids, wanted)],
  };
}
