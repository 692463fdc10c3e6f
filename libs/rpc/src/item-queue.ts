/** What a stream that comes in asks of the other side. */
export interface StreamControl {
  /** That many bytes of items were taken. */
  grant(bytes: number): void;
  /** The rest is not wanted. */
  cancel(): void;
}

interface Waiter {
  readonly resolve: (result: IteratorResult<unknown, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

/** Bytes that are taken before the sender hears of it. */
export const GRANT_BYTES = 64 * 1024;
const DONE: Promise<IteratorResult<unknown, undefined>> = Promise.resolve({
  done: true,
  value: undefined,
});

/**
 * Items of a stream between their arrival and their reader. It holds no more than the credit that
 * was given; taking items gives new credit, 64 KiB at a time.
 */
export class ItemQueue implements AsyncIterableIterator<unknown, undefined, undefined> {
  readonly #control: StreamControl;
  #values: unknown[] = [];
  #sizes: number[] = [];
  #at = 0;
  #waiter: Waiter | undefined;
  #error: { readonly reason: unknown } | undefined;
  #ended = false;
  #takenBytes = 0;

  constructor(control: StreamControl) {
    this.#control = control;
  }

  /** True when nothing more will come. */
  get ended(): boolean {
    return this.#ended;
  }

  /** One item came; it took `bytes` of credit. */
  push(value: unknown, bytes: number): void {
    if (this.#ended) return;
    const waiter = this.#waiter;
    if (waiter === undefined) {
      this.#values.push(value);
      this.#sizes.push(bytes);
      return;
    }
    this.#waiter = undefined;
    this.#took(bytes);
    waiter.resolve({ done: false, value });
  }

  /** The stream is complete. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#waiter?.resolve({ done: true, value: undefined });
    this.#waiter = undefined;
  }

  /** It failed, there or on the way: told after the items that came before. */
  fail(reason: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#waiter === undefined) this.#error = { reason };
    this.#waiter?.reject(reason);
    this.#waiter = undefined;
  }

  next(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#at < this.#values.length) {
      const value = this.#values[this.#at];
      this.#took(this.#sizes[this.#at++] as number);
      if (this.#at === this.#values.length) this.#clear();
      return Promise.resolve({ done: false, value });
    }
    const error = this.#error;
    this.#error = undefined;
    if (error !== undefined) return Promise.reject(error.reason);
    if (this.#ended) return DONE;
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  /** The reader stops early: the other side is told. */
  return(): Promise<IteratorResult<unknown, undefined>> {
    const wasEnded = this.#ended;
    this.#clear();
    this.#error = undefined;
    this.end();
    if (!wasEnded) this.#control.cancel();
    return DONE;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #took(bytes: number): void {
    this.#takenBytes += bytes;
    if (this.#takenBytes < GRANT_BYTES || this.#ended) return;
    this.#control.grant(this.#takenBytes);
    this.#takenBytes = 0;
  }

  #clear(): void {
    this.#values = [];
    this.#sizes = [];
    this.#at = 0;
  }
}
