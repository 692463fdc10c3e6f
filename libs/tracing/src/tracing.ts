import { context, propagation, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { TracerProvider } from "@opentelemetry/sdk-trace";
import { PipeSpanProcessor, type SpanSink } from "./exporter.ts";
import { ATTR_PROCESS_PID, ATTR_SERVICE_INSTANCE_ID, ATTR_SERVICE_NAME } from "./names.ts";

/** Options of {@link startTracing}. */
export interface TracingOptions {
  /** Name of the service: the same for all of its instances. */
  readonly service: string;
  /** Name of this process. */
  readonly node: string;
  /** Where finished spans go. */
  readonly sink: SpanSink;
}

/** Tracing of this process. */
export interface Tracing extends AsyncDisposable {
  /** Hands over what has ended so far. */
  flush(): Promise<void>;
  stats(): { readonly exported: number; readonly dropped: number };
}

/**
 * Sets OpenTelemetry up for this process: what uses `@opentelemetry/api`, ours or a third party's,
 * is recorded from here on and sent to `sink`. Once a process.
 */
export function startTracing({ service, node, sink }: TracingOptions): Tracing {
  const processor = new PipeSpanProcessor(sink);
  const resource = resourceFromAttributes({
    [ATTR_SERVICE_NAME]: service,
    [ATTR_SERVICE_INSTANCE_ID]: node,
    [ATTR_PROCESS_PID]: process.pid,
  });
  const provider = new TracerProvider({ resource, spanProcessors: [processor] });
  const contexts = new AsyncLocalStorageContextManager().enable();
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(contexts);
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const end = async (): Promise<void> => {
    await provider.shutdown();
    trace.disable();
    context.disable();
    propagation.disable();
  };
  return {
    flush: () => provider.forceFlush(),
    stats: () => ({ exported: processor.exported, dropped: processor.dropped }),
    [Symbol.asyncDispose]: end,
  };
}
