import type { SpanContext } from "@opentelemetry/api";
import type { InstrumentationScope } from "@opentelemetry/core";
import type { Resource } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { type Beginning, type Observed, type Observer, Traceparent } from "@zeroplane/link";
import { type Added, CallSpan, type CallTaker, hrTimeOf } from "./call-span.ts";
import { timeOf } from "./clock.ts";
import { Descriptors } from "./descriptors.ts";
import type { LoopClock } from "./loop-clock.ts";
import type { OpenSpans } from "./open-spans.ts";
import { SCOPE } from "./span.ts";
import { newPlace, newTraceId } from "./span-ids.ts";
import { SPLIT_UNKNOWN, type Split, serverSplit } from "./splits.ts";

/** Where finished calls go. */
export interface CallSink {
  /** One with nothing but its name and times. */
  plain(span: CallSpan): void;
  /** One that somebody has added to. */
  full(span: ReadableSpan): void;
  /** Of one that was `plain` it turned out that somebody waits for it. */
  awaitedLate(span: CallSpan): void;
}

/** How calls are recorded. */
export interface CallObserverOptions {
  readonly resource: Resource;
  readonly sink: CallSink;
  /** Where the running code is in its trace. */
  readonly here: () => Traceparent | undefined;
  /** Share of the traces begun here that are recorded, 0 to 1. */
  readonly sampleRatio: number;
  /** Told of those that begin and end. */
  readonly open: OpenSpans;
  /** How long a message that is handled now has waited in this process. */
  readonly clock: Pick<LoopClock, "queuedMs" | "lagMs">;
}

/** A call of a trace that is not recorded: one for all of them. */
export const UNRECORDED: Observed = { place: Traceparent.UNRECORDED, ended: () => undefined };

const ALL = 2 ** 32;
const RECORDED = 1;

/**
 * Records calls on both sides without an interceptor's promises: a span is an object while its call
 * is open, and a row of 56 bytes when it has ended; of what is not recorded there is nothing.
 */
export class CallObserver implements Observer, CallTaker {
  readonly #options: CallObserverOptions;
  readonly #descriptors = new Descriptors();
  readonly #scope: InstrumentationScope = { name: SCOPE };
  readonly #sampledBelow: number;

  constructor(options: CallObserverOptions) {
    this.#options = options;
    const { sampleRatio } = options;
    // As TraceIdRatioBasedSampler, so that both decide the same.
    this.#sampledBelow = sampleRatio >= 1 ? ALL : Math.floor(sampleRatio * 0xffffffff);
  }

  begin({ side, name, peer, from, atMs }: Beginning): Observed {
    const parent = side === "client" ? this.#options.here() : from;
    if (parent === Traceparent.UNRECORDED) return UNRECORDED;
    const trace = parent === undefined ? newTraceId(this.#sampledBelow) : parent.trace;
    if (trace === undefined) return UNRECORDED;
    const place = newPlace(trace, parent === undefined ? RECORDED : parent.flags);
    const descriptor = this.#descriptors.get(side, name, peer);
    const split = descriptor.isServer ? this.#splitAt(atMs) : SPLIT_UNKNOWN;
    const startMs = timeOf(atMs);
    const span = new CallSpan({ place, parent, descriptor, startMs, split, taker: this });
    if (place.isSampled) this.#options.open.addCall(span);
    return span;
  }

  take(span: CallSpan): void {
    const { sink, open } = this.#options;
    open.removeCall(span);
    if (span.added === undefined) sink.plain(span);
    else sink.full(this.#readable(span, span.added));
  }

  awaitedLate(span: CallSpan): void {
    if (span.added === undefined) this.#options.sink.awaitedLate(span);
  }

  #splitAt(atMs: number): Split {
    const { clock } = this.#options;
    return serverSplit(clock.queuedMs(atMs), clock.lagMs);
  }

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
