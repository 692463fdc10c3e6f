/** Where something stands: by rank, lowest first, then by place. */
export interface Rank {
  readonly rank: number;
  readonly place: number;
}

/** Something in a {@link Heap}. */
export interface Entry<T> extends Rank {
  readonly item: T;
}

/** True when `a` comes before `b`. */
export const isBefore = (a: Rank, b: Rank): boolean =>
  a.rank < b.rank || (a.rank === b.rank && a.place < b.place);

/** Items by rank, lowest first, then by place. */
export class Heap<T> {
  #entries: Entry<T>[] = [];

  get size(): number {
    return this.#entries.length;
  }

  peek(): Entry<T> | undefined {
    return this.#entries[0];
  }

  clear(): void {
    this.#entries.length = 0;
  }

  push(entry: Entry<T>): void {
    const entries = this.#entries;
    let at = entries.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = entries[parent];
      if (above === undefined || !isBefore(entry, above)) break;
      entries[at] = above;
      at = parent;
    }
    entries[at] = entry;
  }

  pop(): Entry<T> | undefined {
    const [first] = this.#entries;
    const last = this.#entries.pop();
    if (last !== undefined && this.#entries.length > 0) this.#sink(last);
    return first;
  }

  #sink(entry: Entry<T>): void {
    const entries = this.#entries;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const [left, right] = [entries[child], entries[child + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) child++;
      const least = entries[child];
      if (least === undefined || !isBefore(least, entry)) break;
      entries[at] = least;
      at = child;
    }
    entries[at] = entry;
  }
}
