import { promisify } from "node:util";
import { constants, zstdCompress, zstdCompressSync } from "node:zlib";
import type { PipeClass } from "@zeroplane/patterns";

const compress = promisify(zstdCompress);
const QUICKLY = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

/** Where batches go: what a `Pipe` of patterns offers. */
export interface SpanSink {
  /** Takes a message, or drops it; must not wait. */
  push(
    kind: string,
    body: Uint8Array,
    options?: { readonly rank?: PipeClass; readonly spans?: number },
  ): void;
  /** How many messages have not left this process; without it they have at once. */
  stats?(): { readonly waiting: number };
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
  /** The first one is being compressed. */
  readonly #waiting: SpanBatch[] = [];
  #sending: Promise<void> | undefined;
  exported = 0;
  dropped = 0;

  constructor(sink: SpanSink) {
    this.#sink = sink;
  }

  send(batch: SpanBatch): void {
    if (this.#waiting.length >= WAITING_MAX) {
      this.dropped += batch.spans;
      return;
    }
    this.#waiting.push(batch);
    this.#sending ??= this.#sendAll();
  }

  /** Hands over a message of `spans` spans as it is. */
  pass(kind: string, body: Uint8Array, spans: number): void {
    this.#sink.push(kind, body, { rank: 1, spans });
    this.exported += spans;
  }

  /** Resolves once everything so far was given to the sink. */
  async flushed(): Promise<void> {
    await this.#sending;
  }

  /** Gives everything to the sink before it returns: there is no later for a process that ends. */
  flushNow(): void {
    for (const batch of this.#waiting.splice(0)) {
      const bytes = batch.encode();
      if (bytes !== undefined) this.#push(batch, zstdCompressSync(bytes, QUICKLY));
    }
  }

  async #sendAll(): Promise<void> {
    // In a turn of its own, so that who sends does not pay for the first.
    await Promise.resolve();
    for (let batch = this.#waiting[0]; batch !== undefined; batch = this.#waiting[0]) {
      const bytes = batch.encode();
      const packed = bytes && (await compress(bytes, QUICKLY));
      // It may have been handed over meanwhile.
      if (this.#waiting[0] !== batch) continue;
      this.#waiting.shift();
      if (packed === undefined) this.dropped += batch.spans;
      else this.#push(batch, packed);
    }
    this.#sending = undefined;
  }

  #push({ spans, hasErrors }: SpanBatch, packed: Uint8Array): void {
    this.#sink.push(SPANS_KIND, packed, { rank: hasErrors ? 3 : 1, spans });
    this.exported += spans;
  }
}
