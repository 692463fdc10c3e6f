import { promisify } from "node:util";
import { constants, zstdCompress } from "node:zlib";
import type { PipeClass } from "@zeroplane/patterns";

const compress = promisify(zstdCompress);
const QUICKLY = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Where batches go: what a `Pipe` of patterns offers. */
export interface SpanSink {
  /** Takes a message, or drops it; must not wait. */
  push(kind: string, body: Uint8Array, options?: { readonly rank?: PipeClass }): void;
}

/** Kind of a pipe message that holds spans: an OTLP `ExportTraceServiceRequest`, zstd. */
export const SPANS_KIND = "otlp-spans-zstd";

/** Batches that may wait to be compressed. */
const WAITING_MAX = 16;

/** Spans that leave together. */
export interface SpanBatch {
  readonly spans: number;
  /** True when one of them tells of an error: those are dropped last. */
  readonly hasErrors: boolean;
  /** The OTLP request; called when it is its turn. */
  readonly encode: () => Uint8Array | undefined;
}

/** Encodes, compresses and hands over batches, one at a time; what comes too fast is dropped and counted. */
export class SpanOutlet {
  readonly #sink: SpanSink;
  #sending: Promise<void> = Promise.resolve();
  #waiting = 0;
  exported = 0;
  dropped = 0;

  constructor(sink: SpanSink) {
    this.#sink = sink;
  }

  send(batch: SpanBatch): void {
    if (this.#waiting >= WAITING_MAX) {
      this.dropped += batch.spans;
      return;
    }
    this.#waiting++;
    this.#sending = this.#sending.then(() => this.#send(batch));
  }

  /** Hands over a message of `spans` spans as it is. */
  pass(kind: string, body: Uint8Array, spans: number): void {
    this.#sink.push(kind, body, { rank: 1 });
    this.exported += spans;
  }

  /** Resolves once everything so far was given to the sink. */
  async flushed(): Promise<void> {
    await this.#sending;
  }

  async #send({ spans, hasErrors, encode }: SpanBatch): Promise<void> {
    const bytes = encode();
    this.#waiting--;
    if (bytes === undefined) {
      this.dropped += spans;
      return;
    }
    this.#sink.push(SPANS_KIND, await compress(bytes, QUICKLY), { rank: hasErrors ? 3 : 1 });
    this.exported += spans;
  }
}
