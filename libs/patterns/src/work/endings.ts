import { inTime } from "../deadline.ts";
import { PatternError } from "../errors.ts";
import type { WaitOptions } from "./job-queue.ts";

const TIMEOUT_MS = 30_000;

/** Who waits for the end of which job. */
export class Endings<View> {
  readonly #waiting = new Map<string, Set<PromiseWithResolvers<View>>>();

  /** True when somebody waits for that job. */
  has(id: string): boolean {
    return this.#waiting.size > 0 && this.#waiting.has(id);
  }

  /** The job has ended. */
  ended(id: string, view: View): void {
    for (const { resolve } of this.#waiting.get(id) ?? []) resolve(view);
  }

  /** Nothing will end here any more. */
  fail(error: unknown): void {
    for (const waiting of this.#waiting.values()) for (const { reject } of waiting) reject(error);
  }

  /** @throws PatternError ERR_TIMEOUT; the reason of `signal` */
  async wait(id: string, { timeoutMs = TIMEOUT_MS, signal }: WaitOptions): Promise<View> {
    const promise = Promise.withResolvers<View>();
    const waiting = this.#waiting.get(id) ?? new Set();
    this.#waiting.set(id, waiting.add(promise));
    const late = (): PatternError =>
      new PatternError("ERR_TIMEOUT", `job ${id} has not ended in ${timeoutMs} ms`);
    try {
      return await inTime(promise.promise, { timeoutMs, signal }, late);
    } finally {
      waiting.delete(promise);
      if (waiting.size === 0) this.#waiting.delete(id);
    }
  }
}
