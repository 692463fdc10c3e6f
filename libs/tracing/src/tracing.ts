import { randomUUID } from "node:crypto";
import { context, propagation, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  ParentBasedSampler,
  type ReadableSpan,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Traceparent } from "@zeroplane/link";
import { CallContexts } from "./call-contexts.ts";
import { CallExporter } from "./call-exporter.ts";
import { CallObserver } from "./call-observer.ts";
import type { RowAttributes } from "./call-rows.ts";
import type { CallSpan } from "./call-span.ts";
import { PipeSpanProcessor } from "./exporter.ts";
import { observeCalls } from "./interceptor.ts";
import { LoopClock } from "./loop-clock.ts";
import { ATTR_PROCESS_PID, ATTR_SERVICE_INSTANCE_ID, ATTR_SERVICE_NAME } from "./names.ts";
import { OpenReporter } from "./open-reporter.ts";
import { OpenSpans } from "./open-spans.ts";
import { SpanOutlet, type SpanSink } from "./outlet.ts";

/** Options of {@link startTracing}. */
export interface TracingOptions {
  /** Name of the service: the same for all of its instances. */
  readonly service: string;
  /** Name of this process. */
  readonly node: string;
  /** Where finished spans go. */
  readonly sink: SpanSink;
  /** Share of the traces begun in this process that are recorded, 0 to 1 (default 1: all). */
  readonly sampleRatio?: number;
  /** How often it is told which spans have not ended, milliseconds (default 5 000). */
  readonly openEveryMs?: number;
}

const OPEN_EVERY_MS = 5_000;

/** Tracing of this process. */
export interface Tracing extends AsyncDisposable {
  /** Hands over what has ended so far. */
  flush(): Promise<void>;
  /** Spans handed over, and dropped since they came too fast. */
  stats(): { readonly exported: number; readonly dropped: number };
}

/**
 * Sets OpenTelemetry up for this process: what uses `@opentelemetry/api`, ours or a third party's,
 * is recorded from here on and sent to `sink`. Once a process.
 */
export function startTracing(options: TracingOptions): Tracing {
  const { service, node, sink, sampleRatio = 1, openEveryMs: everyMs = OPEN_EVERY_MS } = options;
  const outlet = new SpanOutlet(sink);
  const open = new OpenSpans();
  const processor = new PipeSpanProcessor(outlet, open);
  const resource = resourceFromAttributes({
    [ATTR_SERVICE_NAME]: service,
    [ATTR_SERVICE_INSTANCE_ID]: node,
    [ATTR_PROCESS_PID]: process.pid,
  });
  const sampler = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) });
  const provider = new TracerProvider({ resource, sampler, spanProcessors: [processor] });
  const contexts = new CallContexts().enable();
  const calls = new CallExporter(outlet, resource);
  const plain = (span: CallSpan): void => calls.add(span);
  const full = (span: ReadableSpan): void => processor.onEnd(span);
  const here = (): Traceparent | undefined => contexts.place();
  const clock = new LoopClock();
  const awaitedLate = (span: CallSpan): void => calls.correct(span);
  const callSink = { plain, full, awaitedLate };
  observeCalls(
    new CallObserver({ resource, sampleRatio, here, clock, open, sink: callSink }),
    clock,
  );
  const reporter = new OpenReporter({
    resource: resource.attributes as RowAttributes,
    boot: randomUUID(),
    spans: open,
    sink,
    everyMs,
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(contexts);
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const end = async (): Promise<void> => {
    observeCalls(undefined);
    clock[Symbol.dispose]();
    calls.flush();
    await provider.shutdown();
    reporter[Symbol.dispose]();
    trace.disable();
    context.disable();
    propagation.disable();
  };
  return {
    flush: async () => {
      calls.flush();
      await provider.forceFlush();
    },
    stats: () => ({ exported: outlet.exported, dropped: outlet.dropped }),
    [Symbol.asyncDispose]: end,
  };
}
