import { promisify } from "node:util";
import { zstdCompress } from "node:zlib";
import { SpanStatusCode } from "@opentelemetry/api";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace";
import type { PipeClass } from "@zeroplane/patterns";

const compress = promisify(zstdCompress);

/** Where batches go: what a `Pipe` of patterns offers. */
export interface SpanSink {
  push(kind: string, body: Uint8Array, options?: { readonly rank?: PipeClass }): void;
}

/** Kind of a pipe message that holds spans: an OTLP `ExportTraceServiceRequest`, zstd. */
export const SPANS_KIND = "otlp-spans-zstd";

const BATCH_MAX = 512;
const FLUSH_MS = 200;
const QUEUE_MAX = 20_000;

/**
 * Sends finished spans as OTLP protobuf in batches of up to 512 or 200 ms, without ever waiting:
 * the sink keeps, drops and counts. Batches that hold an error are dropped last.
 */
export class PipeSpanProcessor implements SpanProcessor {
  readonly #sink: SpanSink;
  #batch: ReadableSpan[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();
  exported = 0;
  dropped = 0;

  constructor(sink: SpanSink) {
    this.#sink = sink;
  }

  onStart(): void {
    // A span is sent when it has ended.
  }

  onEnd(span: ReadableSpan): void {
    if (this.#batch.length >= QUEUE_MAX) {
      this.dropped++;
      return;
    }
    this.#batch.push(span);
    if (this.#batch.length >= BATCH_MAX) this.#flush();
    else this.#timer ??= setTimeout(() => this.#flush(), FLUSH_MS).unref();
  }

  /** Resolves once everything ended so far was given to the sink. */
  async forceFlush(): Promise<void> {
    this.#flush();
    await this.#sending;
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
    this.#sending = this.#sending.then(() => this.#send(batch));
  }

  async #send(batch: readonly ReadableSpan[]): Promise<void> {
    const bytes = ProtobufTraceSerializer.serializeRequest([...batch]);
    if (bytes === undefined) {
      this.dropped += batch.length;
      return;
    }
    const failed = batch.some(({ status }) => status.code === SpanStatusCode.ERROR);
    this.#sink.push(SPANS_KIND, await compress(bytes), { rank: failed ? 3 : 1 });
    this.exported += batch.length;
  }
}
