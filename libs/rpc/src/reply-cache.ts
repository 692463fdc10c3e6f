import { randomUUID } from "node:crypto";

/** What became of a call, for whoever asks again. */
export type Reply = { readonly value: unknown } | { readonly error: unknown };

/** How long answers are kept, and how many. */
export interface OnceOptions {
  /** How long after it was given an answer is kept, milliseconds (default 600 000). */
  readonly ttlMs?: number;
  /** Answers at a time (default 10 000); the oldest goes first. */
  readonly max?: number;
}

interface Entry {
  readonly reply: Promise<Reply>;
  /** When it was given; `undefined` while the call runs. */
  doneAtMs: number | undefined;
}

const TTL_MS = 600_000;
const REPLIES_MAX = 10_000;

const isRetryable = (error: unknown): boolean =>
  (error as { readonly retryable?: unknown } | undefined)?.retryable === true;

/**
 * Answers by the id of their call, so that a call that is made again is answered again and not run
 * again (the idempotent receiver of the ZeroMQ guide, chapter 4). It lives as long as the process.
 */
export class ReplyCache {
  /** Tells this memory from any other: who has lost it must not be asked again. */
  readonly id = randomUUID();
  readonly #ttlMs: number;
  readonly #max: number;
  readonly #entries = new Map<string, Entry>();

  constructor({ ttlMs = TTL_MS, max = REPLIES_MAX }: OnceOptions = {}) {
    this.#ttlMs = ttlMs;
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** The answer of `id`: of this run, or of the one that is going on or was before. */
  answer(id: string, nowMs: number, run: () => Promise<unknown>): Promise<Reply> {
    const known = this.#entries.get(id);
    if (known !== undefined && !this.#isOld(known, nowMs)) return known.reply;
    this.#forget(nowMs);
    const reply = run().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    const entry: Entry = { reply, doneAtMs: undefined };
    this.#entries.set(id, entry);
    void reply.then((given) => {
      entry.doneAtMs = performance.now();
      // What surely did not happen may be tried again.
      if ("error" in given && isRetryable(given.error)) this.#entries.delete(id);
    });
    return reply;
  }

  /** What runs stays; what is older than its time goes, and the oldest when there are too many. */
  #forget(nowMs: number): void {
    for (const [id, entry] of this.#entries) {
      if (entry.doneAtMs === undefined) continue;
      if (!this.#isOld(entry, nowMs) && this.#entries.size < this.#max) return;
      this.#entries.delete(id);
    }
  }

  #isOld({ doneAtMs }: Entry, nowMs: number): boolean {
    return doneAtMs !== undefined && nowMs - doneAtMs > this.#ttlMs;
  }
}
