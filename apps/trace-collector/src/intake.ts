import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import { SPANS_KIND } from "@zeroplane/tracing";
import { decodeSpans } from "./otlp.ts";
import type { TraceStore } from "./trace-store.ts";

const decompress = promisify(zstdDecompress);

/** What came in. `refused` is by reason. */
export interface IntakeStats {
  readonly batches: number;
  readonly spans: number;
  readonly duplicates: number;
  readonly refused: Readonly<Record<string, number>>;
}

/** Largest batch once it is unpacked, bytes. */
const BATCH_BYTES_MAX = 64 * 1024 * 1024;
const TRIM_MS = 60_000;

/** Takes batches of spans, unpacks and stores them. What is none is counted by reason. */
export class Intake implements AsyncDisposable {
  readonly #store: TraceStore;
  readonly #refused = new Map<string, number>();
  readonly #trim: NodeJS.Timeout;
  #working: Promise<void> = Promise.resolve();
  #batches = 0;
  #spans = 0;
  #duplicates = 0;

  constructor(store: TraceStore) {
    this.#store = store;
    this.#trim = setInterval(() => store.trim(Date.now()), TRIM_MS).unref();
  }

  /** Takes one message of a pipe. */
  take(kind: string, body: Buffer): void {
    if (kind !== SPANS_KIND) {
      this.#refuse("kind");
      return;
    }
    this.#working = this.#working.then(() => this.#add(body)).catch(() => this.#refuse("otlp"));
  }

  stats(): IntakeStats {
    const refused = Object.fromEntries(this.#refused);
    return { batches: this.#batches, spans: this.#spans, duplicates: this.#duplicates, refused };
  }

  /** Resolves once everything taken so far is stored. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#trim);
    await this.#working;
  }

  async #add(body: Buffer): Promise<void> {
    const spans = decodeSpans(await decompress(body, { maxOutputLength: BATCH_BYTES_MAX }));
    const added = this.#store.add(spans);
    this.#batches++;
    this.#spans += added;
    this.#duplicates += spans.length - added;
  }

  #refuse(reason: string): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }
}
