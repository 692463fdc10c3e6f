import { randomBytes } from "node:crypto";

const BASE = 36;
const TIME_CHARACTERS = 9;
const COUNT_CHARACTERS = 5;
const COUNT_MAX = BASE ** COUNT_CHARACTERS;
const OWN_BYTES = 6;

/** Makes ids that sort by when they were made, each once in all processes. */
export class Ids {
  readonly #own: string;
  #lastMs = 0;
  #head = "";
  #count = 0;

  /** @param own what tells this maker from all others (default random) */
  constructor(own = randomBytes(OWN_BYTES).toString("hex")) {
    this.#own = own;
  }

  next(nowMs = Date.now()): string {
    if (nowMs > this.#lastMs || this.#count + 1 >= COUNT_MAX) {
      this.#lastMs = Math.max(Math.floor(nowMs), this.#lastMs + 1);
      this.#head = this.#lastMs.toString(BASE).padStart(TIME_CHARACTERS, "0") + this.#own;
      this.#count = 0;
    } else this.#count++;
    return this.#head + this.#count.toString(BASE).padStart(COUNT_CHARACTERS, "0");
  }
}
