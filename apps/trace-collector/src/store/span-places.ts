import type { DecodedSpan } from "../span.ts";
import { wordAt } from "./word-at.ts";

const TRACE_WORDS = 4;
const WORDS = TRACE_WORDS + 2;
const NOTHING = -1;

/**
 * The places of the parents of spans among them, -1 for none. Of spans with the same ids the last one counts, and
 * the others have no parent.
 */
export function parentPlaces(spans: readonly DecodedSpan[]): Int32Array {
  const table = new IdTable(spans.length);
  for (let at = 0; at < spans.length; at++) {
    const { traceId, spanId } = spans[at] as DecodedSpan;
    table.put(at, traceId, spanId);
  }
  return Int32Array.from(spans, ({ traceId, spanId, parentId }, at) => {
    if (parentId === undefined || table.placeOf(traceId, spanId) !== at) return NOTHING;
    return table.placeOf(traceId, parentId);
  });
}

/** Places by the 24 bytes of the ids of a span: a table of numbers costs less than a map of strings. */
class IdTable {
  readonly #words: Int32Array;
  readonly #slots: Int32Array;
  readonly #mask: number;
  /** The ids that are looked for. */
  readonly #sought = new Int32Array(WORDS);

  constructor(count: number) {
    this.#words = new Int32Array(count * WORDS);
    this.#mask = 2 ** Math.ceil(Math.log2(2 * count + 2)) - 1;
    this.#slots = new Int32Array(this.#mask + 1).fill(NOTHING);
  }

  put(at: number, traceId: Uint8Array, spanId: Uint8Array): void {
    this.#slots[this.#slotOf(traceId, spanId)] = at;
    this.#words.set(this.#sought, at * WORDS);
  }

  placeOf(traceId: Uint8Array, spanId: Uint8Array): number {
    return this.#slots[this.#slotOf(traceId, spanId)] as number;
  }

  /** The slot with those ids, or the free one where they belong. */
  #slotOf(traceId: Uint8Array, spanId: Uint8Array): number {
    const sought = this.#sought;
    let hash = 0;
    for (let word = 0; word < WORDS; word++) {
      const value =
        word < TRACE_WORDS ? wordAt(traceId, 4 * word) : wordAt(spanId, 4 * (word - TRACE_WORDS));
      sought[word] = value;
      hash = Math.imul(hash ^ value, 0x9e3779b1);
      hash ^= hash >>> 15;
    }
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const known = this.#slots[slot] as number;
      if (known === NOTHING || this.#isSought(known)) return slot;
    }
  }

  #isSought(at: number): boolean {
    for (let word = 0; word < WORDS; word++)
      if (this.#words[at * WORDS + word] !== this.#sought[word]) return false;
    return true;
  }
}
