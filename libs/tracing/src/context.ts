import {
  type Context,
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  trace,
} from "@opentelemetry/api";
import type { Headers } from "@zeroplane/link";

/** The trace context in `headers`, or the root when they have none or a malformed one. */
export const extract = (headers: Headers): Context =>
  propagation.extract(ROOT_CONTEXT, headers, defaultTextMapGetter);

/** Writes the current trace context into `headers`: `traceparent`, `tracestate`. */
export const inject = (headers: Headers, from: Context = context.active()): void =>
  propagation.inject(from, headers, defaultTextMapSetter);

/** The current trace context as a W3C `traceparent`, or `undefined` outside of a trace. */
export function currentTraceparent(): string | undefined {
  const headers: Headers = {};
  inject(headers);
  return headers["traceparent"];
}

/** The current trace and span, for a log line; `undefined` outside of a trace. */
export function currentIds(): { readonly trace_id: string; readonly span_id: string } | undefined {
  const span = trace.getActiveSpan()?.spanContext();
  return span && { trace_id: span.traceId, span_id: span.spanId };
}

/** Runs `next` as a child of a W3C `traceparent`; without one it runs as it is. */
export function withTraceparent<T>(traceparent: string | undefined, next: () => T): T {
  if (traceparent === undefined) return next();
  return context.with(extract({ traceparent }), next);
}
