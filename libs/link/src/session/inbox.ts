import { after, distance } from "./packet.ts";
import type { SessionSettings } from "./settings.ts";

const OWED_PACKETS_MAX = 64;

/** The receiving half of a session: which packet comes next, and what is still to be acknowledged. */
export class Inbox {
  readonly #owedBytesMax: number;
  readonly #owedPacketsMax: number;
  #next = 0;
  #owedPackets = 0;
  #owedBytes = 0;
  #asked = false;
  #isMissing = false;
  #ticksMissing = 0;
  duplicates = 0;
  gaps = 0;

  /** An acknowledgement is due at once after half of what this side takes. */
  constructor({ windowBytes, windowPackets }: SessionSettings) {
    this.#owedBytesMax = windowBytes / 2;
    this.#owedPacketsMax = Math.min(OWED_PACKETS_MAX, windowPackets / 2);
  }

  /** The number expected next; everything before it was delivered. */
  get next(): number {
    return this.#next;
  }

  /** True when something came that the peer does not know of yet. */
  get owes(): boolean {
    return this.#owedPackets > 0;
  }

  /** True when the peer may run out of window if it is not told now. */
  get due(): boolean {
    return this.#owedPackets >= this.#owedPacketsMax || this.#owedBytes > this.#owedBytesMax;
  }

  /** True when packet `seq` is the one to deliver. A duplicate or a gap is counted and refused. */
  take(seq: number, frames: readonly Buffer[]): boolean {
    const ahead = distance(seq, this.#next);
    this.#owedPackets++;
    if (ahead < 0) this.duplicates++;
    if (ahead !== 0) return false;
    for (const frame of frames) this.#owedBytes += frame.length;
    this.#next = after(this.#next);
    this.#asked = false;
    this.#isMissing = false;
    return true;
  }

  /** True, once, when the peer has sent up to `seq` but not all of it came. */
  misses(seq: number): boolean {
    if (distance(seq, this.#next) <= 0) return false;
    this.#isMissing = true;
    if (this.#asked) return false;
    this.#asked = true;
    this.gaps++;
    return true;
  }

  /**
   * To be called at each tick; a process that stands still does not count the time.
   * @returns the ticks for which the packet that comes next was asked for in vain
   */
  waited(): number {
    this.#ticksMissing = this.#isMissing ? this.#ticksMissing + 1 : 0;
    return this.#ticksMissing;
  }

  /** The request for what is missing may be lost itself: allows it again. */
  askAgain(): void {
    this.#asked = false;
  }

  /** An acknowledgement of everything went out. */
  settled(): void {
    this.#owedPackets = 0;
    this.#owedBytes = 0;
  }

  /** Starts again from number 0. */
  reset(): void {
    this.#next = 0;
    this.#asked = false;
    this.#isMissing = false;
    this.settled();
  }
}
