import { randomUUID } from "node:crypto";
import { context, propagation, trace } from "@opentelemetry/api";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import { type Resource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { CallContexts } from "./call-contexts.ts";
import type { RowAttributes } from "./call-rows.ts";
import { observeCalls } from "./interceptor.ts";
import { ATTR_PROCESS_PID, ATTR_SERVICE_INSTANCE_ID, ATTR_SERVICE_NAME } from "./names.ts";
import type { SpanSink } from "./outlet.ts";
import { Recorder } from "./recorder.ts";
import type { SpanWindow } from "./span-window.ts";
import { CrashSpool, type SpoolStats } from "./spool/crash-spool.ts";
import { onStop } from "./stop-hooks.ts";

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
  /**
   * Folder of this host, made when it is not there, in which spans are kept until they have left the process, at most 8 MiB for
   * each: what a process leaves that is killed is sent by the next one that starts with the same folder. Default none:
   * that is lost.
   */
  readonly spool?: string | undefined;
}

const OPEN_EVERY_MS = 5_000;
/** How long a process that stops waits for its spans to leave. */
const STOP_MS = 2_000;
const POLL_MS = 10;

/** Tracing of this process. */
export interface Tracing extends AsyncDisposable {
  /** Hands over what has ended so far. */
  flush(): Promise<void>;
  /** Collects which spans are open from now on until `unwatch`, for a profile; one window at a time, a further one ends it. */
  watch(): SpanWindow;
  /** Ends what `watch` began. */
  unwatch(): void;
  /** Spans handed over, dropped since they came too fast, and what the spool did when there is one. */
  stats(): {
    readonly exported: number;
    readonly dropped: number;
    readonly spool?: SpoolStats | undefined;
  };
}

/**
 * Sets OpenTelemetry up for this process: what uses `@opentelemetry/api`, ours or a third party's,
 * is recorded from here on and sent to `sink`. Once a process. When the process stops, on SIGTERM or since nothing is left to
 * do, its spans have up to 2 s to leave.
 */
export function startTracing(options: TracingOptions): Tracing {
  const { sink, sampleRatio = 1, openEveryMs = OPEN_EVERY_MS, spool: folder } = options;
  const resource = resourceOf(options);
  const boot = randomUUID();
  const about = { resource: resource.attributes as RowAttributes, boot, sink };
  const spool = folder === undefined ? undefined : new CrashSpool({ ...about, folder });
  const recorder = new Recorder({ resource, boot, sink, spool, openEveryMs });
  const sampler = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) });
  const spanProcessors = [recorder.processor];
  const provider = new TracerProvider({ resource, sampler, spanProcessors });
  const contexts = new CallContexts().enable();
  observeCalls(
    recorder.observer(sampleRatio, () => contexts.place()),
    recorder.clock,
  );
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(contexts);
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const flush = async (): Promise<boolean> => {
    await recorder.flush();
    return hasLeft(sink);
  };
  const stopping = onStop({
    flush: async () => void (await flush()),
    flushNow: () => recorder.flushNow(),
  });
  const end = async (): Promise<void> => {
    observeCalls(undefined);
    stopping[Symbol.dispose]();
    await recorder.flush();
    await provider.shutdown();
    recorder[Symbol.dispose]();
    spool?.close(await hasLeft(sink));
    trace.disable();
    context.disable();
    propagation.disable();
  };
  const { outlet } = recorder;
  return {
    flush: () => recorder.flush(),
    watch: () => recorder.watch(),
    unwatch: () => recorder.unwatch(),
    stats: () => ({
      exported: outlet.exported,
      dropped: outlet.dropped,
      ...(spool && { spool: spool.stats }),
    }),
    [Symbol.asyncDispose]: end,
  };
}

const resourceOf = ({ service, node }: TracingOptions): Resource =>
  resourceFromAttributes({
    [ATTR_SERVICE_NAME]: service,
    [ATTR_SERVICE_INSTANCE_ID]: node,
    [ATTR_PROCESS_PID]: process.pid,
  });

/** Waits until everything has left this process, up to 2 s. @returns whether it has */
async function hasLeft(sink: SpanSink): Promise<boolean> {
  const untilMs = performance.now() + STOP_MS;
  while ((sink.stats?.().waiting ?? 0) > 0) {
    if (performance.now() > untilMs) return false;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return true;
}
