import { wordAt } from "./word-at.ts";

const WORDS = 4;
const NOTHING = -1;

/** Places of ids of 16 bytes, which come and go: the words of the ids by place, and a table of places by hash. */
export class TraceIds {
  #words: Int32Array;
  #slots: Int32Array;
  readonly #sought = new Int32Array(WORDS);

  /** @param room places, a power of two */
  constructor(room: number) {
    this.#words = new Int32Array(room * WORDS);
    this.#slots = new Int32Array(2 * room).fill(NOTHING);
  }

  /** Place of an id, or -1. */
  placeOf(id: Uint8Array): number {
    return this.#slots[this.#find(id)] as number;
  }

  /** The id at a place. */
  idAt(place: number): Buffer {
    const id = Buffer.alloc(4 * WORDS);
    for (let word = 0; word < WORDS; word++)
      id.writeInt32BE(this.#words[place * WORDS + word] as number, 4 * word);
    return id;
  }

  /** Puts an id that is not there at a free place. */
  add(id: Uint8Array, place: number): void {
    this.#slots[this.#find(id)] = place;
    this.#words.set(this.#sought, place * WORDS);
  }

  /** Takes the id at a place out. */
  remove(place: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = this.#find(this.idAt(place));
    // What stands behind it only since its own slot was taken moves up.
    for (let at = (hole + 1) & mask; slots[at] !== NOTHING; at = (at + 1) & mask) {
      const home = hashOf(this.#words, (slots[at] as number) * WORDS) & mask;
      if (((at - home) & mask) < ((at - hole) & mask)) continue;
      slots[hole] = slots[at] as number;
      hole = at;
    }
    slots[hole] = NOTHING;
  }

  /** Doubles the room. @param count places that are taken: all of them */
  grow(count: number): void {
    const words = new Int32Array(2 * this.#words.length);
    words.set(this.#words);
    this.#words = words;
    this.#slots = new Int32Array(2 * this.#slots.length).fill(NOTHING);
    const mask = this.#slots.length - 1;
    for (let place = 0; place < count; place++) {
      let slot = hashOf(words, place * WORDS) & mask;
      while (this.#slots[slot] !== NOTHING) slot = (slot + 1) & mask;
      this.#slots[slot] = place;
    }
  }

  /** The slot of an id, or the free one where it belongs. */
  #find(id: Uint8Array): number {
    const [slots, words, sought] = [this.#slots, this.#words, this.#sought];
    for (let word = 0; word < WORDS; word++) sought[word] = wordAt(id, 4 * word);
    const mask = slots.length - 1;
    for (let slot = hashOf(sought, 0) & mask; ; slot = (slot + 1) & mask) {
      const place = slots[slot] as number;
      if (place === NOTHING || isSame(words, place * WORDS, sought)) return slot;
    }
  }
}

function hashOf(words: Int32Array, at: number): number {
  let hash = 0;
  for (let word = at; word < at + WORDS; word++) {
    hash = Math.imul(hash ^ (words[word] as number), 0x9e3779b1);
    hash ^= hash >>> 15;
  }
  return hash;
}

function isSame(words: Int32Array, at: number, sought: Int32Array): boolean {
  for (let word = 0; word < WORDS; word++) if (words[at + word] !== sought[word]) return false;
  return true;
}
