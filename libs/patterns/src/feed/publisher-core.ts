import type { Gap } from "./follower-core.ts";
import type { FeedStore } from "./history.ts";
import type { FeedMessage } from "./message.ts";
import { REPLAY_MAX } from "./protocol.ts";
import { matchesAny } from "./topics.ts";

/** Where a follower begins. */
export interface Start {
  /** Number of the last message that is not wanted. */
  readonly head: number;
  /** The same for single topics, where it is another one. */
  readonly topics: readonly (readonly [topic: string, head: number])[];
}

/** The last number of each topic that changed, and of the feed. */
export interface Beat {
  readonly head: number;
  readonly lasts: readonly (readonly [topic: string, seq: number])[];
}

/** An answer to a question for what was missed. */
export interface Answer {
  readonly messages: readonly FeedMessage[];
  /** The lowest number that is kept. */
  readonly oldest: number;
  /** The lowest number that was not looked at. */
  readonly next: number;
  readonly holes: readonly Gap[];
}

/** Where a publisher goes on after a restart. */
export interface Resumed {
  readonly head: number;
  /** Up to here it does not know every message of every topic. */
  readonly base: number;
  readonly lastOf: ReadonlyMap<string, number>;
}

const FRESH: Resumed = { head: 0, base: 0, lastOf: new Map() };

/** Numbers the messages of a feed, and says what was missed. */
export class PublisherCore {
  readonly #store: FeedStore;
  readonly #lastOf: Map<string, number>;
  readonly #base: number;
  #changed = new Set<string>();
  #head: number;

  constructor(store: FeedStore, { head, base, lastOf }: Resumed = FRESH) {
    this.#store = store;
    this.#head = head;
    this.#base = base;
    this.#lastOf = new Map(lastOf);
  }

  /** The last number that was given. */
  get head(): number {
    return this.#head;
  }

  /** Up to here a follower that was away must ask, whatever the beats name. */
  get base(): number {
    return this.#base;
  }

  /** Numbers and keeps a message. @throws PatternError when it cannot be kept; it has no number */
  put(content: Pick<FeedMessage, "topic" | "atMs" | "headers" | "body">): FeedMessage {
    const { topic } = content;
    const seq = this.#head + 1;
    const message: FeedMessage = { ...content, seq, prev: this.#lastOf.get(topic) ?? 0 };
    this.#store.push(message);
    this.#head = seq;
    this.#lastOf.set(topic, seq);
    this.#changed.add(topic);
    return message;
  }

  /** What changed since the last beat. */
  beat(): Beat {
    const topics = this.#changed;
    this.#changed = new Set();
    return this.#beatOf(topics);
  }

  /** What a follower needs to hear first: the last number of every topic. */
  fullBeat(): Beat {
    return this.#beatOf(this.#lastOf.keys());
  }

  /** Answers a question. */
  replay(patterns: readonly string[], from: number, to: number): Answer {
    const { messages, next, holes } = this.#store.range(patterns, from, { to, count: REPLAY_MAX });
    return { messages, next, holes, oldest: this.#store.oldest || this.#head + 1 };
  }

  /** @param from `"now"`, `"last"`: with the last message of each topic, or a time in ms of 1970 */
  start(patterns: readonly string[], from: "now" | "last" | number): Start {
    if (typeof from === "number") return { head: this.#store.before(from), topics: [] };
    if (from === "now") return { head: this.#head, topics: [] };
    const wanted = [...this.#lastOf].filter(([topic]) => matchesAny(patterns, topic));
    return { head: this.#head, topics: wanted.map(([topic, seq]) => [topic, seq - 1]) };
  }

  #beatOf(topics: Iterable<string>): Beat {
    const lasts = [...topics].map((topic) => [topic, this.#lastOf.get(topic) ?? 0] as const);
    return { head: this.#head, lasts };
  }
}
