import type { Gap } from "../feed/follower-core.ts";
import type { FeedMessage, Origin } from "../feed/message.ts";
import type { Reset } from "../feed/publishers.ts";
import { matchesAny } from "../feed/topics.ts";

/** Everything that was published, life by life. */
export class FeedBook {
  readonly #lives = new Map<string, Map<number, FeedMessage>>();
  readonly #current = new Map<string, number>();
  /** True once something happened after which a gap may be told. */
  mayHaveGaps = false;
  published = 0;

  /** A publisher begins, or goes on with, a life: another one of it is over. */
  begins({ node, epoch }: Origin): void {
    this.#current.set(node, epoch);
  }

  isOver({ node, epoch }: Origin): boolean {
    return this.#current.get(node) !== epoch;
  }

  /** A message was put. */
  put({ node, epoch }: Origin, message: FeedMessage): void {
    const key = `${node}/${epoch}`;
    const life = this.#lives.get(key) ?? new Map<number, FeedMessage>();
    this.#lives.set(key, life);
    if (life.has(message.seq)) throw new Error(`${key} gave the number ${message.seq} twice`);
    life.set(message.seq, message);
    this.published++;
  }

  /** What was put in one life, by number, oldest first. */
  of({ node, epoch }: Origin): ReadonlyMap<number, FeedMessage> {
    return this.#lives.get(`${node}/${epoch}`) ?? new Map<number, FeedMessage>();
  }
}

/** Where a follower began with one life, of the messages of its topics. */
export interface Wants {
  /** It must get the message, or be told that it is lost. */
  must(message: FeedMessage): boolean;
  /** It may get the message. */
  may(message: FeedMessage): boolean;
}

interface Life {
  readonly origin: Origin;
  readonly seqs: Set<number>;
  readonly lastOf: Map<string, number>;
  readonly gaps: Gap[];
}

/**
 * What one life of a follower got. Its promise: per topic in order and once, nothing that was not
 * put or not asked for; and at the end delivered and declared gaps make up all that was published.
 */
export class FollowerBook {
  readonly #name: string;
  readonly #topics: readonly string[];
  readonly #book: FeedBook;
  readonly #lives = new Map<string, Life>();
  readonly #current = new Map<string, string>();
  readonly #wants = new Map<string, Wants>();
  /** True when its gaps need no cause: it reports holes at once, or skips what it is too slow for. */
  mayHaveGaps = false;

  constructor(name: string, topics: readonly string[], book: FeedBook) {
    this.#name = name;
    this.#topics = topics;
    this.#book = book;
  }

  /** A message was delivered. */
  delivered(origin: Origin, message: FeedMessage): void {
    const { seq, topic, body } = message;
    const life = this.#life(origin);
    const put = this.#book.of(origin).get(seq);
    if (put === undefined || put.topic !== topic || Buffer.compare(put.body, body) !== 0)
      this.#wrong(`${origin.node} never put ${seq} like this`);
    if (!matchesAny(this.#topics, topic)) this.#wrong(`${topic} was not asked for`);
    if (seq <= (life.lastOf.get(topic) ?? 0)) this.#wrong(`${topic} ${seq} is late or came twice`);
    if (this.#wants.get(keyOf(origin))?.may(put) === false)
      this.#wrong(`${topic} ${seq} is from before it began`);
    life.lastOf.set(topic, seq);
    life.seqs.add(seq);
  }

  /** Numbers were given up. */
  gap(origin: Origin, gap: Gap): void {
    if (gap.from > gap.to) this.#wrong(`a gap from ${gap.from} to ${gap.to}`);
    if (!this.mayHaveGaps && !this.#book.mayHaveGaps && !this.#book.isOver(origin))
      this.#wrong(`a gap from ${gap.from} to ${gap.to} without a cause`);
    this.#life(origin).gaps.push(gap);
  }

  /** Another life of the publisher is followed from here on. */
  reset({ before, ...origin }: Reset): void {
    const key = keyOf(before);
    if (this.#current.get(origin.node) !== key) this.#wrong(`a reset from ${key}, not followed`);
    this.#checkEnded(before);
    this.#current.set(origin.node, keyOf(origin));
  }

  /** `origin` is followed, from where `wants` says when it is met for the first time. */
  follows(origin: Origin, wants: Wants): void {
    if (!this.#current.has(origin.node)) this.#current.set(origin.node, keyOf(origin));
    if (!this.#wants.has(keyOf(origin))) this.#wants.set(keyOf(origin), wants);
  }

  /** At rest: of each publisher's last life nothing that is wanted is missing. */
  check(origin: Origin): void {
    const wants = this.#wants.get(keyOf(origin));
    if (wants === undefined) this.#wrong(`${origin.node} was never met`);
    const life = this.#life(origin);
    for (const message of this.#book.of(origin).values()) {
      const { seq, topic } = message;
      if (!matchesAny(this.#topics, topic) || life.seqs.has(seq) || !wants.must(message)) continue;
      if (life.gaps.some(({ from, to }) => from <= seq && seq <= to)) continue;
      const got = `got ${life.seqs.size}, lasts ${JSON.stringify([...life.lastOf])}`;
      const gaps = `gaps ${JSON.stringify(life.gaps).slice(0, 300)}`;
      this.#wrong(
        `${origin.node} put ${topic} ${seq}: neither delivered nor in a gap; ${got}, ${gaps}`,
      );
    }
  }

  /** Of a life that is over nothing is missing before the last that came of the topic. */
  #checkEnded(origin: Origin): void {
    const wants = this.#wants.get(keyOf(origin));
    const { seqs, gaps, lastOf } = this.#life(origin);
    for (const message of this.#book.of(origin).values()) {
      const { seq, topic } = message;
      if (seq > (lastOf.get(topic) ?? 0) || seqs.has(seq) || wants?.must(message) !== true)
        continue;
      if (gaps.some(({ from, to }) => from <= seq && seq <= to)) continue;
      this.#wrong(`${topic} ${seq} of ${keyOf(origin)}, which is over, is missing without a gap`);
    }
  }

  #life(origin: Origin): Life {
    const key = keyOf(origin);
    if (this.#current.get(origin.node) !== key) this.#wrong(`${key} without a reset`);
    let life = this.#lives.get(key);
    if (life === undefined) {
      life = { origin, seqs: new Set(), lastOf: new Map(), gaps: [] };
      this.#lives.set(key, life);
    }
    return life;
  }

  #wrong(what: string): never {
    throw new Error(`${this.#name}: ${what}`);
  }
}

const keyOf = ({ node, epoch }: Origin): string => `${node}/${epoch}`;
