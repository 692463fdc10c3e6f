export type {
  ComparedOperation,
  ComparedSide,
  Comparison,
  ErrorGroup,
  LiveSpans,
  OpenPage,
  OpenRow,
  OperationRow,
  SearchPage,
  SearchQuery,
  SearchRow,
  ServiceEdge,
  ServiceMap,
  ServiceNode,
  SpanFilter,
  SpanHole,
} from "./api.ts";
export type { SpanView, Trace, TraceQuery, TraceSummary } from "./trace.ts";
export type { CollectorStats, Traces } from "./traces.ts";
export type { TraceCollector } from "./wiring.ts";
