import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { CallSpan } from "./call-span.ts";
import { timeOfHr } from "./clock.ts";
import { type OpenSpan, REPORT_SPANS_MAX } from "./open-report.ts";

/** Spans of the SDK that are watched; a program that never ends its spans must not fill the memory. */
const WATCHED_MAX = 10_000;

/**
 * The recorded spans of this process that have not ended. Calls are a list through themselves, so that the
 * begin and the end of one cost no memory; other spans are at most 10 000, and what is more is counted.
 */
export class OpenSpans {
  #first: CallSpan | undefined;
  #last: CallSpan | undefined;
  #calls = 0;
  readonly #others = new Set<ReadableSpan>();
  /** Spans of the SDK that were too many to be watched. */
  unwatched = 0;

  /** How many are open. */
  get count(): number {
    return this.#calls + this.#others.size;
  }

  addCall(call: CallSpan): void {
    call.earlier = this.#last;
    if (this.#last === undefined) this.#first = call;
    else this.#last.later = call;
    this.#last = call;
    this.#calls++;
  }

  /** The one that {@link addCall} was called with, once. */
  removeCall(call: CallSpan): void {
    const { earlier, later } = call;
    if (earlier === undefined) this.#first = later;
    else earlier.later = later;
    if (later === undefined) this.#last = earlier;
    else later.earlier = earlier;
    call.earlier = undefined;
    call.later = undefined;
    this.#calls--;
  }

  addOther(span: ReadableSpan): void {
    if (this.#others.size < WATCHED_MAX) this.#others.add(span);
    else this.unwatched++;
  }

  removeOther(span: ReadableSpan): void {
    this.#others.delete(span);
  }

  /** Those that began before `beforeMs`, time of day: the longest open first, at most 1 000. */
  since(beforeMs: number): OpenSpan[] {
    const found: OpenSpan[] = [];
    for (let call = this.#first; call !== undefined; call = call.later) {
      if (call.startMs > beforeMs || found.length === REPORT_SPANS_MAX) break;
      found.push(ofCall(call));
    }
    let others = 0;
    for (const span of this.#others) {
      const startMs = timeOfHr(span.startTime);
      if (startMs > beforeMs) continue;
      found.push(ofOther(span, startMs));
      if (++others === REPORT_SPANS_MAX) break;
    }
    return found.toSorted((a, b) => a.startMs - b.startMs).slice(0, REPORT_SPANS_MAX);
  }
}

function ofCall({ place, parent, added, descriptor, startMs }: CallSpan): OpenSpan {
  return {
    traceId: Buffer.from(place.traceId, "hex"),
    spanId: Buffer.from(place.spanId, "hex"),
    parentId: parent && Buffer.from(parent.spanId, "hex"),
    name: added?.name ?? descriptor.name,
    kind: descriptor.kind + 1,
    startMs,
  };
}

function ofOther(span: ReadableSpan, startMs: number): OpenSpan {
  const { traceId, spanId } = span.spanContext();
  const parent = span.parentSpanContext?.spanId;
  return {
    traceId: Buffer.from(traceId, "hex"),
    spanId: Buffer.from(spanId, "hex"),
    parentId: parent === undefined ? undefined : Buffer.from(parent, "hex"),
    name: span.name,
    // OTLP counts from 1 what the API counts from 0.
    kind: span.kind + 1,
    startMs,
  };
}
