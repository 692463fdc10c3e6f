import type { Gap } from "../feed/follower-core.ts";
import type { FeedMessage, Origin } from "../feed/message.ts";
import { matchesAny } from "../feed/topics.ts";

/** What a simulated publisher has published, in every life. */
export class PublishedBook {
  readonly byEpoch = new Map<number, Map<number, FeedMessage>>();
  #last = { epoch: 0, seq: 0 };
  /** True once something happened for which a gap may be told. */
  mayHaveGaps = false;
  count = 0;

  published(epoch: number, message: FeedMessage): void {
    const { seq } = message;
    if (this.#last.epoch === epoch && seq <= this.#last.seq)
      throw new Error(`number ${seq} was given after ${this.#last.seq}`);
    this.#last = { epoch, seq };
    const messages = this.byEpoch.get(epoch) ?? new Map<number, FeedMessage>();
    this.byEpoch.set(epoch, messages.set(seq, message));
    this.count++;
  }
}

/** What one follower was told, and whether that is all it should have been told. */
export class FollowedBook {
  readonly #book: PublishedBook;
  readonly #patterns: readonly string[];
  readonly #delivered = new Map<number, Set<number>>();
  readonly #lastOf = new Map<string, number>();
  readonly #gaps = new Map<number, Gap[]>();
  /** The last number that is not wanted, by epoch; a life that was not met is not wanted. */
  readonly starts = new Map<number, number>();

  constructor(book: PublishedBook, patterns: readonly string[]) {
    this.#book = book;
    this.#patterns = patterns;
  }

  delivered({ epoch }: Origin, { topic, seq, body }: FeedMessage): void {
    const what = `${topic} ${seq} of life ${epoch}`;
    if (!matchesAny(this.#patterns, topic)) throw new Error(`${what} was not asked for`);
    const original = this.#book.byEpoch.get(epoch)?.get(seq);
    if (original?.topic !== topic || !Buffer.from(original.body).equals(Buffer.from(body)))
      throw new Error(`${what} was never put`);
    const key = `${epoch} ${topic}`;
    const last = this.#lastOf.get(key) ?? 0;
    if (seq <= last) throw new Error(`${what} came after ${last}`);
    this.#lastOf.set(key, seq);
    const numbers = this.#delivered.get(epoch) ?? new Set();
    this.#delivered.set(epoch, numbers.add(seq));
  }

  gap({ epoch }: Origin, gap: Gap): void {
    const { from, to } = gap;
    if (from > to) throw new Error(`a gap from ${from} to ${to}`);
    if (!this.#book.mayHaveGaps) throw new Error(`a gap from ${from} to ${to} without a cause`);
    this.#gaps.set(epoch, [...(this.#gaps.get(epoch) ?? []), gap]);
  }

  /** Delivered and told gaps together are what was published and is wanted. */
  check(name: string): void {
    for (const [epoch, start] of this.starts) {
      const gaps = this.#gaps.get(epoch) ?? [];
      for (const { topic, seq } of this.#book.byEpoch.get(epoch)?.values() ?? []) {
        if (seq <= start || !matchesAny(this.#patterns, topic)) continue;
        const isThere = this.#delivered.get(epoch)?.has(seq) ?? false;
        if (!isThere && !gaps.some(({ from, to }) => from <= seq && seq <= to))
          throw new Error(`${name} misses ${topic} ${seq} of life ${epoch} and was not told`);
      }
    }
  }
}
