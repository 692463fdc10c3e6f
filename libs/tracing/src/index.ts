export {
  CALLS_KIND,
  type RecordedCall,
  type RecordedCalls,
  type RowAttributes,
  readCallRows,
} from "./call-rows.ts";
export { currentIds, currentTraceparent, extract, inject, withTraceparent } from "./context.ts";
export { tracingInterceptor } from "./interceptor.ts";
export { SPANS_KIND, type SpanSink } from "./outlet.ts";
export { fail, inSpan, runSpan, type SpanOptions, startSpan } from "./span.ts";
export type { SpansOfWindow, SpanWindow, WindowSpan } from "./span-window.ts";
export { startTracing, type Tracing, type TracingOptions } from "./tracing.ts";
