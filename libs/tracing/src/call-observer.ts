import { context, type SpanContext, trace } from "@opentelemetry/api";
import type { InstrumentationScope } from "@opentelemetry/core";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { type Beginning, type Observed, type Observer, Traceparent } from "@zeroplane/link";
import { type Added, CallSpan, hrTimeOf } from "./call-span.ts";
import { timeOf } from "./clock.ts";
import { Descriptors } from "./descriptors.ts";
import { SCOPE } from "./span.ts";
import { newPlace, newTraceId } from "./span-ids.ts";

/** Where finished calls go. */
export interface CallSink {
  /** One with nothing but its name and times. */
  plain(span: CallSpan): void;
  /** One that somebody has added to. */
  full(span: ReadableSpan): void;
}

/** How calls are recorded. */
export interface CallObserverOptions {
  readonly resource: Resource;
  readonly sink: CallSink;
  /** Share of the traces begun here that are recorded, 0 to 1. */
  readonly sampleRatio: number;
}

/**
 * Records calls on both sides without an interceptor's promises: a span is an object while its call
 * is open, and some 200 bytes of OTLP when it has ended.
 */
export class CallObserver implements Observer {
  readonly #options: CallObserverOptions;
  readonly #descriptors = new Descriptors();
  readonly #scope: InstrumentationScope = { name: SCOPE };
  readonly #sampledBelow: number;

  constructor(options: CallObserverOptions) {
    this.#options = options;
    const { sampleRatio } = options;
    // As TraceIdRatioBasedSampler, so that both decide the same.
    this.#sampledBelow = sampleRatio >= 1 ? 2 ** 32 : Math.floor(sampleRatio * 0xffffffff);
  }

  begin({ side, name, peer, from, atMs }: Beginning): Observed {
    const parent = side === "client" ? currentPlace() : from;
    const place = parent === undefined ? this.#root() : newPlace(parent.trace, parent.flags);
    const descriptor = this.#descriptors.get(side, name, peer);
    return new CallSpan({ place, parent, descriptor, startMs: timeOf(atMs), take: this.#take });
  }

  #root(): Traceparent {
    const id = newTraceId();
    const isSampled = (id.a ^ id.b ^ id.c ^ id.d) >>> 0 < this.#sampledBelow;
    return newPlace(id, isSampled ? 1 : 0);
  }

  readonly #take = (span: CallSpan): void => {
    const { sink } = this.#options;
    if (span.added === undefined) sink.plain(span);
    else sink.full(this.#readable(span, span.added));
  };

  #readable(span: CallSpan, added: Added): ReadableSpan {
    const { parent, startMs, endMs, descriptor } = span;
    return {
      name: added.name,
      kind: descriptor.kind,
      spanContext: () => span.spanContext(),
      ...(parent !== undefined && { parentSpanContext: contextOf(parent, descriptor.isServer) }),
      startTime: hrTimeOf(startMs),
      endTime: hrTimeOf(endMs),
      duration: [Math.floor((endMs - startMs) / 1_000), ((endMs - startMs) % 1_000) * 1e6],
      ended: true,
      status: added.status,
      attributes: added.attributes,
      events: added.events,
      links: added.links,
      resource: this.#options.resource,
      instrumentationScope: this.#scope,
      droppedAttributesCount: added.droppedAttributes,
      droppedEventsCount: added.droppedEvents,
      droppedLinksCount: added.droppedLinks,
    };
  }
}

const contextOf = ({ traceId, spanId, flags }: Traceparent, isRemote: boolean): SpanContext => ({
  traceId,
  spanId,
  traceFlags: flags,
  isRemote,
});

/** Where the running code is in its trace. */
function currentPlace(): Traceparent | undefined {
  const span = trace.getSpan(context.active());
  if (span === undefined) return undefined;
  if (span instanceof CallSpan) return span.place;
  const { traceId, spanId, traceFlags } = span.spanContext();
  return Traceparent.parse(
    `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, "0")}`,
  );
}
