const SLOT_BITS = 16;
const SLOT_MASK = 0xffff;
/** Values at a time. */
export const SLOTS_MAX = 1 << SLOT_BITS;

/**
 * Values by a number that is given out again late: 16 bits of place and 16 of how often it was
 * used. A Map of growing numbers would leave its old tables to the garbage collector all the time.
 */
export class Slots<T> {
  readonly #values: (T | undefined)[] = [];
  readonly #uses: number[] = [];
  readonly #free: number[] = [];
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** @returns the number of `value`, or `undefined` when 65 536 values are there already */
  add(value: T): number | undefined {
    let slot = this.#free.pop();
    if (slot === undefined) {
      if (this.#values.length === SLOTS_MAX) return undefined;
      slot = this.#values.push(undefined) - 1;
      this.#uses.push(0);
    }
    this.#values[slot] = value;
    this.#size++;
    return (((this.#uses[slot] as number) << SLOT_BITS) | slot) >>> 0;
  }

  get(id: number): T | undefined {
    const slot = id & SLOT_MASK;
    return this.#uses[slot] === id >>> SLOT_BITS ? this.#values[slot] : undefined;
  }

  delete(id: number): void {
    if (this.get(id) === undefined) return;
    const slot = id & SLOT_MASK;
    this.#values[slot] = undefined;
    this.#uses[slot] = ((this.#uses[slot] as number) + 1) & SLOT_MASK;
    this.#free.push(slot);
    this.#size--;
  }

  /** The values there are now. */
  *values(): Generator<T> {
    for (const value of this.#values) if (value !== undefined) yield value;
  }
}
