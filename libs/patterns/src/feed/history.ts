import type { Gap } from "./follower-core.ts";
import { runRecords } from "./log-record.ts";
import type { FeedMessage } from "./message.ts";

/** What is looked for: numbers of both ends included, and which topics. */
export interface Wanted {
  readonly from: number;
  readonly to: number;
  readonly wants: (topic: string) => boolean;
  /** Bytes after which the rest is left for another question. */
  readonly bytesMax: number;
}

/** What a history has in a range of numbers. */
export interface Found {
  /** Records (`log-record.ts`) one after the other, oldest first; may reach beyond the range. */
  readonly records: Buffer;
  /** The lowest number that was not looked at. */
  readonly next: number;
  /** Numbers below `next` that were given and cannot be had any more, besides those too old. */
  readonly holes: readonly Gap[];
}

/** Where the messages of a feed are kept for those who missed some. */
export interface FeedStore {
  readonly bytes: number;
  /** Messages that have left it. */
  readonly dropped: number;
  /** Number of the oldest message that is left, or 0 when there is none. */
  readonly oldest: number;
  /** Keeps a message. @throws PatternError ERR_STORE_FULL or ERR_STORE when it cannot */
  push(message: FeedMessage): void;
  /** What was put in this turn is about to be seen by others. Never throws. */
  flush(): void;
  range(wanted: Wanted): Found;
  /**
   * The number of the last message before the first that was put at `atMs` (milliseconds since
   * 1970) or later; 0 when such ones may not be kept any more.
   */
  before(atMs: number): number;
  /** Makes what was kept safe and lets go of files. */
  close(): void;
}

/** Messages a follower may still ask for: the newest, up to a number of bytes, in memory. */
export class History implements FeedStore {
  readonly #bytesMax: number;
  #messages: FeedMessage[] = [];
  #bytes = 0;
  /** When the newest message that is not kept was put. */
  #goneMs = 0;
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

  flush(): void {
    // It is all in memory.
  }

  range({ from, to, wants, bytesMax }: Wanted): Found {
    const found: FeedMessage[] = [];
    let bytes = 0;
    let next = to + 1;
    for (let at = this.#find(from); at < this.#messages.length; at++) {
      const message = this.#messages[at];
      if (message === undefined || message.seq > to) break;
      if (bytes >= bytesMax) {
        next = message.seq;
        break;
      }
      if (!wants(message.topic)) continue;
      found.push(message);
      bytes += sizeOf(message);
    }
    return { records: Buffer.concat(runRecords(found)), next, holes: [] };
  }

  before(atMs: number): number {
    const at = this.#messages.findIndex((message) => message.atMs >= atMs);
    const before = this.#messages.at(at === -1 ? -1 : at - 1)?.seq ?? 0;
    if (at !== 0) return before;
    return atMs > this.#goneMs ? this.oldest - 1 : 0;
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
      this.#goneMs = Math.max(this.#goneMs, message.atMs);
      leave++;
    }
    this.#messages = this.#messages.slice(leave);
    this.dropped += leave;
  }
}

const OVERHEAD_BYTES = 96;
const sizeOf = ({ topic, body }: FeedMessage): number =>
  body.length + topic.length + OVERHEAD_BYTES;
