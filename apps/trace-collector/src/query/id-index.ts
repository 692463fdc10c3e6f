const ID_BYTES = 8;
const NOTHING = -1;

/** Places of ids of eight bytes: a table of numbers, since a map of 200 000 strings costs more than all the rest. */
export class IdIndex {
  readonly #words: DataView;
  readonly #slots: Int32Array;
  readonly #mask: number;

  /** @param ids eight bytes each; of an id that comes twice the first place counts */
  constructor(ids: Uint8Array) {
    const count = ids.length / ID_BYTES;
    this.#words = wordsOf(ids);
    this.#mask = 2 ** Math.ceil(Math.log2(2 * count + 2)) - 1;
    this.#slots = new Int32Array(this.#mask + 1).fill(NOTHING);
    for (let at = 0; at < count; at++) {
      const slot = this.#slotOf(this.#words, at);
      if (this.#slots[slot] === NOTHING) this.#slots[slot] = at;
    }
  }

  /** Place of the id that stands at `at` among `ids`, or -1. */
  placeOf(ids: DataView, at: number): number {
    return this.#slots[this.#slotOf(ids, at)] as number;
  }

  /** The slot with that id, or the free one where it belongs. */
  #slotOf(ids: DataView, at: number): number {
    const high = ids.getInt32(at * ID_BYTES);
    const low = ids.getInt32(at * ID_BYTES + 4);
    let hash = Math.imul(high ^ Math.imul(low, 0x9e3779b1), 0x85ebca6b);
    hash ^= hash >>> 15;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const known = this.#slots[slot] as number;
      if (known === NOTHING) return slot;
      const isSame =
        this.#words.getInt32(known * ID_BYTES) === high &&
        this.#words.getInt32(known * ID_BYTES + 4) === low;
      if (isSame) return slot;
    }
  }
}

/** Ids of eight bytes for reading, one after the other. */
export const wordsOf = (ids: Uint8Array): DataView =>
  new DataView(ids.buffer, ids.byteOffset, ids.byteLength);
