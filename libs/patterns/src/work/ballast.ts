import { rmSync, statSync, writeFileSync } from "node:fs";

const BALLAST_BYTES = 4 * 1024 * 1024;
const RETRY_MS = 1_000;

/**
 * A file that only takes up room: given up when the disk is full, so that the jobs that are there
 * can still end, and made again when there is room.
 */
export class Ballast {
  readonly #file: string | undefined;
  #isThere = true;
  #triedAtMs = Number.NEGATIVE_INFINITY;

  /** @param store the file beside which it lies */
  constructor(store: string) {
    this.#file = store === ":memory:" ? undefined : `${store}.ballast`;
    this.#isThere = this.#make();
  }

  get isThere(): boolean {
    return this.#isThere;
  }

  drop(): void {
    if (this.#file === undefined) return;
    rmSync(this.#file, { force: true });
    this.#isThere = false;
    this.#triedAtMs = performance.now();
  }

  /** Makes it again, once a second at most. @param makeRoom called before it is tried */
  restore(makeRoom: () => void): void {
    if (this.#isThere || performance.now() - this.#triedAtMs < RETRY_MS) return;
    this.#triedAtMs = performance.now();
    makeRoom();
    this.#isThere = this.#make();
  }

  #make(): boolean {
    if (this.#file === undefined) return true;
    try {
      const there = statSync(this.#file, { throwIfNoEntry: false });
      // Zeros would do no good on a disk that compresses, but take their room on all others.
      if (there?.size !== BALLAST_BYTES) writeFileSync(this.#file, Buffer.alloc(BALLAST_BYTES));
      return true;
    } catch {
      // No room for it: what was begun must not stay.
      rmSync(this.#file, { force: true });
      return false;
    }
  }
}
