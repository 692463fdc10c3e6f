import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import type { CallSpan } from "./call-span.ts";
import { nowMs, timeOfHr } from "./clock.ts";
import type { OpenSpan } from "./open-report.ts";
import type { OpenSpans } from "./open-spans.ts";

/** Spans of a window that are named; of more the first that ended. */
const SPANS_MAX = 1_000;

/** A span that was open in a window of time. */
export interface WindowSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  /** Time of day, milliseconds. */
  readonly startMs: number;
  /** Absent when it had not ended. */
  readonly endMs?: number;
}

/** Which spans were open in a window of time. */
export interface SpansOfWindow {
  readonly fromMs: number;
  readonly toMs: number;
  /** At most 1 000, those that ended first, then those that have not. */
  readonly spans: readonly WindowSpan[];
  /** How many more there were. */
  readonly more: number;
}

/** Collects the spans that are open in a window of time; use `watch` of {@link Tracing}. */
export class SpanWindow {
  readonly #open: OpenSpans;
  readonly #fromMs = nowMs();
  readonly #spans: WindowSpan[] = [];
  #ended = 0;

  constructor(open: OpenSpans) {
    this.#open = open;
  }

  /** A call has ended. */
  callEnded({ place, added, descriptor, startMs, endMs }: CallSpan): void {
    this.#ended++;
    if (this.#spans.length >= SPANS_MAX) return;
    const { traceId, spanId } = place;
    this.#spans.push({ traceId, spanId, name: added?.name ?? descriptor.name, startMs, endMs });
  }

  /** A span of the SDK has ended. */
  otherEnded(span: ReadableSpan): void {
    this.#ended++;
    if (this.#spans.length >= SPANS_MAX) return;
    const { traceId, spanId } = span.spanContext();
    const [startMs, endMs] = [timeOfHr(span.startTime), timeOfHr(span.endTime)];
    this.#spans.push({ traceId, spanId, name: span.name, startMs, endMs });
  }

  /** Those that were open since the window began. */
  read(): SpansOfWindow {
    const toMs = nowMs();
    const open = this.#open.since(toMs).map(toWindow);
    const spans = [...this.#spans, ...open].slice(0, SPANS_MAX);
    return {
      fromMs: this.#fromMs,
      toMs,
      spans,
      more: this.#ended + this.#open.count - spans.length,
    };
  }
}

const toWindow = ({ traceId, spanId, name, startMs }: OpenSpan): WindowSpan => ({
  traceId: Buffer.from(traceId).toString("hex"),
  spanId: Buffer.from(spanId).toString("hex"),
  name,
  startMs,
});
