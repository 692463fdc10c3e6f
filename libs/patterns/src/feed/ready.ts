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
  readonly settle: (error?: unknown) => void;
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
    const promise = Promise.withResolvers<void>();
    const settle = (error?: unknown): void =>
      error === undefined ? promise.resolve() : promise.reject(error as Error);
    const waiter: Waiter = { count, settle };
    const aborted = (): void => settle(signal?.reason);
    const timer = setTimeout(() => settle(this.#tooLate(count, timeoutMs)), timeoutMs);
    signal?.addEventListener("abort", aborted, { once: true });
    this.#waiters.add(waiter);
    try {
      await promise.promise;
    } finally {
      clearTimeout(timer);
      this.#waiters.delete(waiter);
      signal?.removeEventListener("abort", aborted);
    }
  }

  /** So many follow now. */
  changed(followers: number): void {
    this.#followers = followers;
    for (const { count, settle } of this.#waiters) if (followers >= count) settle();
  }

  /** Nobody will come any more. */
  close(): void {
    this.#closed = new PatternError("ERR_CLOSED", `the feed ${this.#name} is closed`);
    for (const { settle } of this.#waiters) settle(this.#closed);
  }

  #tooLate(count: number, timeoutMs: number): PatternError {
    const text = `the feed ${this.#name} has ${this.#followers} of ${count} followers after ${timeoutMs} ms`;
    return new PatternError("ERR_TIMEOUT", `${text}: is the rest started, and does it dial here?`);
  }
}
