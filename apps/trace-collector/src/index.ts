export type { SpanView, Trace, TraceQuery, TraceSummary } from "./trace.ts";
export type { CollectorStats, Traces } from "./traces.ts";
export type { TraceCollector } from "./wiring.ts";
