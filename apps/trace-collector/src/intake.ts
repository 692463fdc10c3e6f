import { promisify } from "node:util";
import { zstdDecompress } from "node:zlib";
import { CALLS_KIND, SPANS_KIND } from "@zeroplane/tracing";
import { spansOfCalls } from "./calls.ts";
import { type DecodedSpan, decodeSpans } from "./otlp.ts";
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

interface Decoder {
  readonly decode: (body: Buffer) => readonly DecodedSpan[] | Promise<readonly DecodedSpan[]>;
  /** Under which a body that is none is counted. */
  readonly reason: string;
}

async function unpacked(body: Buffer): Promise<readonly DecodedSpan[]> {
  return decodeSpans(await decompress(body, { maxOutputLength: BATCH_BYTES_MAX }));
}

const DECODERS: Readonly<Record<string, Decoder>> = {
  [SPANS_KIND]: { decode: unpacked, reason: "otlp" },
  [CALLS_KIND]: { decode: spansOfCalls, reason: "calls" },
};

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
    const decoder = DECODERS[kind];
    if (decoder === undefined) {
      this.#refuse("kind");
      return;
    }
    const { decode, reason } = decoder;
    this.#working = this.#working
      .then(async () => this.#add(await decode(body)))
      .catch(() => this.#refuse(reason));
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

  #add(spans: readonly DecodedSpan[]): void {
    const added = this.#store.add(spans);
    this.#batches++;
    this.#spans += added;
    this.#duplicates += spans.length - added;
  }

  #refuse(reason: string): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }
}
