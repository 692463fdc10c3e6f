import type { FeedMessage } from "./message.ts";
import { matchesAny } from "./topics.ts";

/** Messages a follower may still ask for: the newest, up to a number of bytes. */
export class History {
  readonly #bytesMax: number;
  #messages: FeedMessage[] = [];
  #bytes = 0;
  /** Messages that have left it. */
  dropped = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  push(message: FeedMessage): void {
    this.#messages.push(message);
    this.#bytes += sizeOf(message);
    if (this.#bytes > this.#bytesMax) this.#trim();
  }

  /** Messages of `patterns` with `from <= seq <= to`, oldest first, at most `count`. */
  range(
    patterns: readonly string[],
    from: number,
    limits: { to: number; count: number },
  ): FeedMessage[] {
    const found: FeedMessage[] = [];
    for (let at = this.#find(from); at < this.#messages.length; at++) {
      const message = this.#messages[at];
      if (message === undefined || message.seq > limits.to || found.length >= limits.count) break;
      if (matchesAny(patterns, message.topic)) found.push(message);
    }
    return found;
  }

  /** Number of the oldest message that is left, or 0 when there is none. */
  get oldest(): number {
    return this.#messages[0]?.seq ?? 0;
  }

  /** Index of the first message with `seq >= from`: numbers rise, so halve. */
  #find(from: number): number {
    let low = 0;
    let high = this.#messages.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#messages[middle]?.seq ?? 0) < from) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Lets go of the oldest quarter at once, so that trimming is rare. */
  #trim(): void {
    let leave = 0;
    for (const message of this.#messages) {
      if (this.#bytes <= this.#bytesMax * 0.75) break;
      this.#bytes -= sizeOf(message);
      leave++;
    }
    this.#messages = this.#messages.slice(leave);
    this.dropped += leave;
  }
}

const OVERHEAD_BYTES = 96;
const sizeOf = ({ topic, body }: FeedMessage): number =>
  body.length + topic.length + OVERHEAD_BYTES;
