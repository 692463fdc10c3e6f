import { Heap } from "../heap.ts";

/** Beyond this many entries that were set again, the heap is built anew. */
const STALE_MIN = 64;

/** Keys that end by themselves, the next one first. */
export class Ends {
  readonly #atMs = new Map<string, number>();
  /** May hold ends that no longer count: those differ from `#atMs`. */
  readonly #heap = new Heap<string>();

  /** When the next key ends. */
  get nextMs(): number | undefined {
    for (;;) {
      const first = this.#heap.peek();
      if (first === undefined || this.#atMs.get(first.item) === first.rank) return first?.rank;
      this.#heap.pop();
    }
  }

  /** `key` ends at `atMs`, and no longer when it would have. */
  set(key: string, atMs: number): void {
    this.#atMs.set(key, atMs);
    this.#heap.push({ rank: atMs, place: 0, item: key });
    if (this.#heap.size > 2 * this.#atMs.size + STALE_MIN) this.#rebuild();
  }

  /** `key` does not end. */
  delete(key: string): void {
    this.#atMs.delete(key);
  }

  /** Keys whose time has come; they are deleted here by their owner. */
  due(nowMs: number): string[] {
    const due = new Set<string>();
    for (let next = this.nextMs; next !== undefined && next <= nowMs; next = this.nextMs) {
      const entry = this.#heap.pop();
      if (entry === undefined) break;
      due.add(entry.item);
      this.#atMs.delete(entry.item);
    }
    return [...due];
  }

  #rebuild(): void {
    this.#heap.clear();
    for (const [item, rank] of this.#atMs) this.#heap.push({ rank, place: 0, item });
  }
}
