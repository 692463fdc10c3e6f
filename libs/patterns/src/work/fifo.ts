/** Items taken from the front before the room they had is given back. */
const TAKEN_MAX = 1_024;

/** What came first goes first. */
export class Fifo<T> {
  #items: T[] = [];
  #taken = 0;

  push(item: T): void {
    this.#items.push(item);
  }

  peek(): T | undefined {
    return this.#items[this.#taken];
  }

  /** Takes off what {@link peek} gives. */
  shift(): void {
    this.#taken++;
    if (this.#taken < TAKEN_MAX || this.#taken * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#taken);
    this.#taken = 0;
  }

  clear(): void {
    this.#items = [];
    this.#taken = 0;
  }
}
