import type { ViewChange } from "./view-core.ts";

/**
 * Changes for one reader. Of each key only the newest waits, so a slow reader costs as much as the
 * state has keys, and sees where each key has come to.
 */
export class Changes<T> implements AsyncIterableIterator<ViewChange<T>>, AsyncDisposable {
  readonly #under: string;
  readonly #waiting = new Map<string, ViewChange<T>>();
  readonly #onEnd: (changes: Changes<T>) => void;
  #wake = Promise.withResolvers<void>();
  #hasEnded = false;

  /** @param onEnd called once nothing more is read */
  constructor(under: string, onEnd: (changes: Changes<T>) => void) {
    this.#under = under;
    this.#onEnd = onEnd;
  }

  /** Something has changed. */
  add(changes: readonly ViewChange<T>[]): void {
    for (const change of changes) {
      if (this.#hasEnded || !change.key.startsWith(this.#under)) continue;
      // At the end of the line: changes come in the order of the last of each key.
      this.#waiting.delete(change.key);
      this.#waiting.set(change.key, change);
    }
    if (this.#waiting.size > 0) this.#wake.resolve();
  }

  /** No more will come; what waits is read first. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    this.#onEnd(this);
    this.#wake.resolve();
  }

  async next(): Promise<IteratorResult<ViewChange<T>>> {
    for (;;) {
      const [change] = this.#waiting.values();
      if (change !== undefined) {
        this.#waiting.delete(change.key);
        if (this.#waiting.size === 0 && !this.#hasEnded) this.#wake = Promise.withResolvers<void>();
        return { done: false, value: change };
      }
      if (this.#hasEnded) return { done: true, value: undefined };
      await this.#wake.promise;
    }
  }

  async return(): Promise<IteratorResult<ViewChange<T>>> {
    this.end();
    this.#waiting.clear();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}
