interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

const isBefore = (a: Entry, b: Entry): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** Time that passes only by {@link Clock.step}. What is due at the same time runs in the order it was asked for. */
export class Clock {
  readonly #heap: Entry[] = [];
  #nowMs = 0;
  #order = 0;

  get nowMs(): number {
    return this.#nowMs;
  }

  /** Things still to happen. */
  get pending(): number {
    return this.#heap.length;
  }

  /** When the next thing happens. */
  get nextAtMs(): number | undefined {
    return this.#heap[0]?.atMs;
  }

  /** Runs `run` after `delayMs`, at least 0. */
  after(delayMs: number, run: () => void): void {
    const entry = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run };
    let at = this.#heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = this.#heap[parent];
      if (above === undefined || !isBefore(entry, above)) break;
      this.#heap[at] = above;
      at = parent;
    }
    this.#heap[at] = entry;
  }

  /** Lets the next thing happen, if it is due by `untilMs`. @returns false when there was none */
  step(untilMs: number): boolean {
    const [first] = this.#heap;
    if (first === undefined || first.atMs > untilMs) {
      this.#nowMs = Math.max(this.#nowMs, untilMs);
      return false;
    }
    this.#nowMs = first.atMs;
    this.#removeFirst();
    first.run();
    return true;
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const [left, right] = [this.#heap[child], this.#heap[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) child++;
      const least = this.#heap[child];
      if (least === undefined || !isBefore(least, last)) break;
      this.#heap[at] = least;
      at = child;
    }
    this.#heap[at] = last;
  }
}
