import { mkdirSync } from "node:fs";
import { isMarkedAsUntransferable } from "node:worker_threads";
import type { LiveSpans } from "../api.ts";
import type { Message } from "../ingest/decode.ts";
import type { ReaderMethods } from "../query/reader-thread.ts";
import { TraceError } from "../trace-error.ts";
import type { StoreOptions } from "./options.ts";
import { type Offered, Thread } from "./thread.ts";
import type { Receipt, WriterStats } from "./writer.ts";
import type { WriterMethods } from "./writer-thread.ts";

const QUEUE_BYTES_MAX = 32 * 1024 * 1024;
const QUERIES_MAX = 64;
const LISTENERS_MAX = 64;

/** Counts of the store, and what waits for it. */
export interface StoreStats extends WriterStats {
  readonly busy: number;
  readonly queueBytes: number;
}

/**
 * Spans and logs in a folder of SQLite files: one thread writes, one reads, one checkpoints; this one only
 * passes on. A thread has 10 MB and more: that which reads starts with the first query, that which checkpoints with the
 * first message. At most 32 MiB wait to be written, and 64 queries to be answered.
 */
export class TraceStore implements AsyncDisposable {
  readonly #writer: Thread<WriterMethods>;
  readonly #options: StoreOptions;
  #readerThread: Thread<ReaderMethods> | undefined;
  #keeper: Thread<Offered> | undefined;
  readonly #listeners = new Set<(event: LiveSpans) => void>();
  readonly #followers = new Set<(message: Message) => void>();
  readonly #queueBytesMax: number;
  #queueBytes = 0;
  #roomy: PromiseWithResolvers<void> | undefined;
  #isEnded = false;
  #busy = 0;

  constructor(options: StoreOptions) {
    this.#queueBytesMax = options.queueBytesMax ?? QUEUE_BYTES_MAX;
    mkdirSync(options.data, { recursive: true });
    this.#writer = new Thread(new URL("./writer-thread.ts", import.meta.url), options, (event) => {
      for (const listener of this.#listeners) listener(event as LiveSpans);
    });
    this.#options = options;
  }

  /**
   * Resolves once everything in `message` is stored.
   * @param isGiven its body is not used here any more, and need not be copied
   * @throws TraceError ERR_BUSY when too much waits; ERR_OTLP, ERR_CALLS, ERR_OPEN, ERR_KIND, ERR_TOO_LARGE, ERR_STORE_FULL
   */
  async add(message: Message, isGiven = false): Promise<Receipt> {
    const bytes = message.body.byteLength;
    if (this.#queueBytes + bytes > this.#queueBytesMax) {
      this.#busy++;
      throw new TraceError(
        "ERR_BUSY",
        `${this.#queueBytes} bytes wait to be stored; send it again in a second`,
      );
    }
    this.#queueBytes += bytes;
    try {
      const canGive = isGiven && this.#followers.size === 0;
      const body = memoryOf(message.body, canGive);
      const receipt = await this.#writer.give([body.buffer], "take", { ...message, body });
      this.#keeper ??= new Thread(new URL("./keeper-thread.ts", import.meta.url), this.#options);
      for (const follower of this.#followers) follower(message);
      return receipt;
    } finally {
      this.#queueBytes -= bytes;
      this.#tellRoom();
    }
  }

  /** Resolves when less than half of what may wait does. */
  async room(): Promise<void> {
    if (this.#hasRoom) return;
    this.#roomy ??= Promise.withResolvers();
    await this.#roomy.promise;
  }

  /** Asks the reader. @throws TraceError ERR_BUSY when 64 queries wait */
  query: Thread<ReaderMethods>["ask"] = (call, ...args) => {
    if (this.#isEnded)
      return Promise.reject(new TraceError("ERR_CLOSED", "the trace store has ended"));
    if (this.#reader.waiting < QUERIES_MAX) return this.#reader.ask(call, ...args);
    return Promise.reject(
      new TraceError("ERR_BUSY", `${QUERIES_MAX} queries wait; ask again in a second`),
    );
  };

  /** Keeps a trace for ever, or no longer. */
  async pin(traceId: string, isPinned: boolean): Promise<void> {
    await this.#writer.ask("pin", Buffer.from(traceId, "hex"), isPinned);
  }

  /** Lets go of what is too old at `nowMs`, or too much; it does so by itself every 5 s. */
  async trim(nowMs: number): Promise<void> {
    await this.#writer.ask("trim", nowMs);
  }

  /** Tells `follower` of every message that is stored. */
  follow(follower: (message: Message) => void): Disposable {
    this.#followers.add(follower);
    return { [Symbol.dispose]: () => void this.#followers.delete(follower) };
  }

  /** Tells `listener` of spans as they are stored. @throws TraceError ERR_BUSY beyond 64 listeners */
  watch(listener: (event: LiveSpans) => void): Disposable {
    if (this.#listeners.size >= LISTENERS_MAX)
      throw new TraceError("ERR_BUSY", `${LISTENERS_MAX} others watch already`);
    this.#listeners.add(listener);
    const tell = (): void =>
      void this.#writer.ask("watch", this.#listeners.size > 0).catch(() => undefined);
    tell();
    return {
      [Symbol.dispose]: () => {
        this.#listeners.delete(listener);
        tell();
      },
    };
  }

  async stats(): Promise<StoreStats> {
    const stats = await this.#writer.ask("stats");
    return { ...stats, busy: this.#busy, queueBytes: this.#queueBytes };
  }

  /** Resolves once everything taken so far is stored. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isEnded = true;
    await this.#writer[Symbol.asyncDispose]();
    await Promise.all([
      this.#readerThread?.[Symbol.asyncDispose](),
      this.#keeper?.[Symbol.asyncDispose](),
    ]);
  }

  get #hasRoom(): boolean {
    return this.#queueBytes < this.#queueBytesMax / 2;
  }

  #tellRoom(): void {
    if (this.#roomy === undefined || !this.#hasRoom) return;
    this.#roomy.resolve();
    this.#roomy = undefined;
  }

  get #reader(): Thread<ReaderMethods> {
    const script = new URL("../query/reader-thread.ts", import.meta.url);
    return (this.#readerThread ??= new Thread(script, this.#options));
  }
}

/** The bytes in memory of their own, which can go to a thread: a copy where they are a part of something larger. */
function memoryOf(bytes: Uint8Array, canGive: boolean): Uint8Array<ArrayBuffer> {
  const { buffer, byteLength } = bytes;
  const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  if (!canGive || !isOwn || isMarkedAsUntransferable(buffer)) return new Uint8Array(bytes);
  return new Uint8Array(buffer);
}
