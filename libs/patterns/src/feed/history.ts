import type { Gap } from "./follower-core.ts";
import type { FeedMessage } from "./message.ts";
import { matchesAny } from "./topics.ts";

/** Which numbers are looked for, both included, and how many messages may be found. */
export interface Limits {
  readonly to: number;
  readonly count: number;
}

/** What a history has in a range of numbers. */
export interface Found {
  readonly messages: FeedMessage[];
  /** The lowest number that was not looked at. */
  readonly next: number;
  /** Numbers below `next` that were given and cannot be had any more. */
  readonly holes: readonly Gap[];
}

/** Where the messages of a feed are kept for those who missed some. */
export interface FeedStore {
  readonly bytes: number;
  /** Messages that have left it. */
  readonly dropped: number;
  /** Number of the oldest message that is left, or 0 when there is none. */
  readonly oldest: number;
  /** Keeps a message. @throws PatternError ERR_DISK_FULL when it has no room for it */
  push(message: FeedMessage): void;
  /** Messages of `patterns` from the number `from` on, oldest first. */
  range(patterns: readonly string[], from: number, limits: Limits): Found;
  /** The highest number that was put before `atMs` (milliseconds since 1970), or 0. */
  before(atMs: number): number;
  /** Makes what was kept safe and lets go of files. */
  close(): void;
}

/** Messages a follower may still ask for: the newest, up to a number of bytes, in memory. */
export class History implements FeedStore {
  readonly #bytesMax: number;
  #messages: FeedMessage[] = [];
  #bytes = 0;
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

  range(patterns: readonly string[], from: number, { to, count }: Limits): Found {
    const messages: FeedMessage[] = [];
    for (let at = this.#find(from); at < this.#messages.length; at++) {
      const message = this.#messages[at];
      if (message === undefined || message.seq > to) break;
      if (messages.length >= count) return { messages, next: message.seq, holes: [] };
      if (matchesAny(patterns, message.topic)) messages.push(message);
    }
    return { messages, next: to + 1, holes: [] };
  }

  before(atMs: number): number {
    const after = this.#messages.find((message) => message.atMs >= atMs);
    return (after?.seq ?? (this.#messages.at(-1)?.seq ?? 0) + 1) - 1;
  }

  close(): void {
    this.#messages = [];
  }

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
