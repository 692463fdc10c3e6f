import {
  type Attributes,
  type Context,
  context,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from "@opentelemetry/api";
import { nowMs } from "./clock.ts";
import {
  ATTR_ERROR_ORIGIN,
  ATTR_ERROR_TYPE,
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
} from "./names.ts";

/** Name of what makes the spans of zeroplane itself. */
export const SCOPE = "zeroplane";

/** How a span is started. */
export interface SpanOptions {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  /** Spans it has to do with but is no child of. */
  readonly links?: readonly { readonly context: ReturnType<Span["spanContext"]> }[];
  /** Its parent (default the current one). */
  readonly parent?: Context;
}

/** Starts a span that the caller must end. */
export function startSpan(name: string, options: SpanOptions = {}): Span {
  const { kind = SpanKind.INTERNAL, attributes = {}, links = [], parent } = options;
  const tracer = trace.getTracer(SCOPE);
  return tracer.startSpan(
    name,
    { kind, attributes, links: [...links], startTime: nowMs() },
    parent ?? context.active(),
  );
}

/**
 * Runs `run` as a span: what it starts is below it, what it throws is recorded and thrown on.
 * @param name what is done, low in variety
 */
export async function inSpan<T>(
  name: string,
  attributes: Attributes,
  run: (span: Span) => Promise<T>,
): Promise<T> {
  return runSpan(startSpan(name, { attributes }), context.active(), run);
}

/** Runs `run` below `span`, which has `parent`, and ends the span with its outcome. */
export async function runSpan<T>(
  span: Span,
  parent: Context,
  run: (span: Span) => Promise<T>,
): Promise<T> {
  try {
    return await context.with(trace.setSpan(parent, span), () => run(span));
  } catch (error) {
    fail(span, error);
    throw error;
  } finally {
    span.end(nowMs());
  }
}

/**
 * Marks a span as failed. An error is described where it began; a process that it only came
 * through says where that was, and the root of the trace has the traceback through all of them.
 */
export function fail(span: Span, error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  span.setStatus({ code: SpanStatusCode.ERROR, message });
  span.setAttribute(ATTR_ERROR_TYPE, typeOf(error));
  const origin = originOf(error);
  if (origin === undefined) span.setAttribute(ATTR_EXCEPTION_MESSAGE, message);
  else span.setAttribute(ATTR_ERROR_ORIGIN, origin);
  const stack = error instanceof Error ? error.stack : undefined;
  if (stack !== undefined && (origin === undefined || isRoot(span))) {
    span.setAttribute(ATTR_EXCEPTION_STACKTRACE, stack);
  }
}

/** True for the first span of a trace; spans of the SDK and of calls say what is above them. */
function isRoot(span: Span): boolean {
  const { parentSpanContext, parent } = span as { parentSpanContext?: unknown; parent?: unknown };
  return parentSpanContext === undefined && parent === undefined;
}

/** Its stable code where it has one, else its class. */
function typeOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return typeof error;
  if ("code" in error && typeof error.code === "string") return error.code;
  return error instanceof Error ? error.name : "object";
}

function originOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("hops" in error)) return undefined;
  const [origin] = error.hops as readonly { service: string; method: string; node: string }[];
  return origin && `${origin.service}.${origin.method} ${origin.node}`;
}
