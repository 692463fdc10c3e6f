/** Where a reader takes its items from. */
export interface ReaderParts<T> {
  /** The next item, or `undefined` when there is none yet. What it throws ends the reader. */
  readonly take: () => { readonly item: T } | undefined;
  /** Called once, when nobody reads any more. */
  readonly ended: () => void;
  readonly signal?: AbortSignal | undefined;
}

/** Something to iterate over that waits for more, until it is ended from either side. */
export class Reader<T> implements AsyncIterableIterator<T, undefined, undefined> {
  readonly #parts: ReaderParts<T>;
  readonly #end = (): void => this.end();
  #waiting: (() => void)[] = [];
  #isLast = false;
  #isEnded = false;

  constructor(parts: ReaderParts<T>) {
    this.#parts = parts;
    if (parts.signal?.aborted === true) this.#isEnded = true;
    else parts.signal?.addEventListener("abort", this.#end);
  }

  /** There may be more now. */
  wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  /** Ends after what there is. */
  last(): void {
    this.#isLast = true;
    this.wake();
  }

  /** Ends at once. */
  end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#parts.signal?.removeEventListener("abort", this.#end);
    this.#parts.ended();
    this.wake();
  }

  /** The next item, when it is there. */
  async next(): Promise<IteratorResult<T, undefined>> {
    while (!this.#isEnded) {
      const taken = this.#take();
      if (taken !== undefined) return { done: false, value: taken.item };
      if (this.#isLast) this.end();
      else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return { done: true, value: undefined };
  }

  /** Ends at once, also for whoever waits. */
  async return(): Promise<IteratorResult<T, undefined>> {
    this.end();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): { readonly item: T } | undefined {
    try {
      return this.#parts.take();
    } catch (error) {
      this.end();
      throw error;
    }
  }
}
