import type { Gap } from "../feed/follower-core.ts";
import type { FeedMessage, Origin } from "../feed/message.ts";
import type { Reset } from "../feed/publishers.ts";
import { matchesAny } from "../feed/topics.ts";

/** Everything that was published, life by life. */
export class FeedBook {
  readonly #lives = new Map<string, FeedMessage[]>();
  published = 0;

  /** A message was put. */
  put({ node, epoch }: Origin, message: FeedMessage): void {
    const key = `${node}/${epoch}`;
    const life = this.#lives.get(key) ?? [];
    this.#lives.set(key, life);
    life.push(message);
    this.published++;
  }

  /** What was put in one life, oldest first. */
  of({ node, epoch }: Origin): readonly FeedMessage[] {
    return this.#lives.get(`${node}/${epoch}`) ?? [];
  }
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

  constructor(name: string, topics: readonly string[], book: FeedBook) {
    this.#name = name;
    this.#topics = topics;
    this.#book = book;
  }

  /** A message was delivered. */
  delivered(origin: Origin, message: FeedMessage): void {
    const { seq, topic, body } = message;
    const life = this.#life(origin);
    const put = this.#book.of(origin)[seq - 1];
    if (put === undefined || put.topic !== topic || Buffer.compare(put.body, body) !== 0)
      this.#wrong(`${origin.node} never put ${seq} like this`);
    if (!matchesAny(this.#topics, topic)) this.#wrong(`${topic} was not asked for`);
    if (seq <= (life.lastOf.get(topic) ?? 0)) this.#wrong(`${topic} ${seq} is late or came twice`);
    life.lastOf.set(topic, seq);
    life.seqs.add(seq);
  }

  /** Numbers were given up. */
  gap(origin: Origin, gap: Gap): void {
    this.#life(origin).gaps.push(gap);
  }

  /** Another life of the publisher is followed from here on. */
  reset({ before, ...origin }: Reset): void {
    const key = `${before.node}/${before.epoch}`;
    if (this.#current.get(origin.node) !== key) this.#wrong(`a reset from ${key}, not followed`);
    this.#current.set(origin.node, `${origin.node}/${origin.epoch}`);
  }

  /** `origin` is the first life of its publisher that is followed. */
  follows(origin: Origin): void {
    if (!this.#current.has(origin.node))
      this.#current.set(origin.node, `${origin.node}/${origin.epoch}`);
  }

  /** At rest: of each publisher's last life, from the `start`-th message, nothing is missing. */
  check(origin: Origin, start: number): void {
    const life = this.#life(origin);
    for (const { seq, topic } of this.#book.of(origin)) {
      if (seq <= start || !matchesAny(this.#topics, topic) || life.seqs.has(seq)) continue;
      if (life.gaps.some(({ from, to }) => from <= seq && seq <= to)) continue;
      this.#wrong(
        `${origin.node} put ${topic} ${seq}: neither delivered nor in a gap; from ${start}, got ${life.seqs.size} with ${JSON.stringify(life.gaps).slice(0, 300)} lasts ${JSON.stringify([...life.lastOf])}`,
      );
    }
  }

  #life(origin: Origin): Life {
    const key = `${origin.node}/${origin.epoch}`;
    this.follows(origin);
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
