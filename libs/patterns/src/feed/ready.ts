import { inTime } from "../deadline.ts";
import { PatternError } from "../errors.ts";

/** Options of a wait for followers. */
export interface ReadyOptions {
  /** Ends the wait with its reason. */
  readonly signal?: AbortSignal;
  /** Longest wait, milliseconds (default 30 000). */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 30_000;

interface Waiter {
  readonly count: number;
  readonly resolve: () => void;
  readonly reject: (error: PatternError) => void;
}

/** Those who wait until a feed has so many followers. */
export class Waiters {
  readonly #name: string;
  readonly #waiters = new Set<Waiter>();
  #followers = 0;
  #closed: PatternError | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  /** Resolves with `count` followers. @throws PatternError ERR_TIMEOUT; the reason of `signal` */
  async wait(count: number, { signal, timeoutMs = TIMEOUT_MS }: ReadyOptions = {}): Promise<void> {
    signal?.throwIfAborted();
    if (this.#closed !== undefined) throw this.#closed;
    if (this.#followers >= count) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { count, resolve, reject };
    this.#waiters.add(waiter);
    try {
      await inTime(promise, { timeoutMs, signal }, () => this.#tooLate(count, timeoutMs));
    } finally {
      this.#waiters.delete(waiter);
    }
  }

  /** So many follow now. */
  changed(followers: number): void {
    this.#followers = followers;
    for (const { count, resolve } of this.#waiters) if (followers >= count) resolve();
  }

  /** Nobody will come any more. */
  close(): void {
    this.#closed = new PatternError("ERR_CLOSED", `the feed ${this.#name} is closed`);
    for (const { reject } of this.#waiters) reject(this.#closed);
  }

  #tooLate(count: number, timeoutMs: number): PatternError {
    const text = `the feed ${this.#name} has ${this.#followers} of ${count} followers after ${timeoutMs} ms`;
    return new PatternError("ERR_TIMEOUT", `${text}: is the rest started, and does it dial here?`);
  }
}
