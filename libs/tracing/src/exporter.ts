import { SpanStatusCode } from "@opentelemetry/api";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";
import type { OpenSpans } from "./open-spans.ts";
import type { SpanOutlet } from "./outlet.ts";

const BATCH_MAX = 512;
const FLUSH_MS = 200;

/** Sends finished spans as OTLP protobuf in batches of up to 512 or 200 ms, without ever waiting. */
export class PipeSpanProcessor implements SpanProcessor {
  readonly #outlet: SpanOutlet;
  readonly #open: OpenSpans;
  readonly #onEnded: (span: ReadableSpan) => void;
  #batch: ReadableSpan[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param onEnded told of each span that is sent */
  constructor(outlet: SpanOutlet, open: OpenSpans, onEnded: (span: ReadableSpan) => void) {
    this.#outlet = outlet;
    this.#open = open;
    this.#onEnded = onEnded;
  }

  onStart(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & 1) === 1) this.#open.addOther(span);
  }

  onEnd(span: ReadableSpan): void {
    this.#open.removeOther(span);
    if ((span.spanContext().traceFlags & 1) === 0) return;
    this.#onEnded(span);
    this.#batch.push(span);
    if (this.#batch.length >= BATCH_MAX) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS).unref();
  }

  /** Resolves once everything ended so far was given to the sink. */
  async forceFlush(): Promise<void> {
    this.#flush();
    await this.#outlet.flushed();
  }

  /** Gives everything ended so far to the sink before it returns. */
  flushNow(): void {
    this.#flush();
    this.#outlet.flushNow();
  }

  async shutdown(): Promise<void> {
    await this.forceFlush();
  }

  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#batch;
    if (batch.length === 0) return;
    this.#batch = [];
    this.#outlet.send({
      spans: batch.length,
      hasErrors: batch.some(({ status }) => status.code === SpanStatusCode.ERROR),
      encode: () => ProtobufTraceSerializer.serializeRequest(batch),
    });
  }
}
