import type { Headers } from "@zeroplane/link";
import { PatternError } from "../errors.ts";
import type { Replay } from "./follower-core.ts";
import { History } from "./history.ts";
import type { FeedMessage } from "./message.ts";
import { REPLAY_MAX } from "./protocol.ts";
import { matchesAny, requireTopic } from "./topics.ts";

/** Each topic has its last number kept, and named to new followers. */
const TOPICS_MAX = 100_000;

/** The last number of each topic, as a beat names them. */
export type Lasts = readonly (readonly [topic: string, seq: number])[];

interface Following {
  readonly patterns: readonly string[];
  /** Has not had a beat yet: the first one names every topic. */
  isNew: boolean;
}

/**
 * One life of a publisher: numbers what is put, keeps the newest of it, answers those who missed
 * something, and says where it is. `K` is how the caller tells its followers apart.
 */
export class PublisherCore<K> {
  readonly history: History;
  readonly #lastOf = new Map<string, number>();
  readonly #followers = new Map<K, Following>();
  #changed = new Set<string>();
  #head = 0;

  /** @param historyBytes most bytes that are kept for those who missed something */
  constructor(historyBytes: number) {
    this.history = new History(historyBytes);
  }

  /** The last number given. */
  get head(): number {
    return this.#head;
  }

  /** How many follow. */
  get followers(): number {
    return this.#followers.size;
  }

  /**
   * Numbers a message and keeps it.
   * @throws PatternError ERR_BAD_TOPIC, or ERR_OVERLOADED at 100 000 topics: nothing is published
   */
  put(topic: string, body: Uint8Array, about: { headers: Headers; atMs: number }): FeedMessage {
    let prev = this.#lastOf.get(topic);
    if (prev === undefined) {
      this.#admit(topic);
      prev = 0;
    }
    const seq = ++this.#head;
    const message: FeedMessage = { topic, seq, prev, ...about, body };
    this.#lastOf.set(topic, seq);
    this.#changed.add(topic);
    this.history.push(message);
    return message;
  }

  /** Somebody follows, perhaps again: its next beat names every topic. */
  follow(key: K, patterns: readonly string[]): void {
    this.#followers.set(key, { patterns, isNew: true });
  }

  /** Somebody follows no more. */
  forget(key: K): void {
    this.#followers.delete(key);
  }

  /**
   * What is left of the wanted topics between two numbers, inclusive.
   * @returns `undefined` when it is not known what is wanted: the follower asks again
   */
  replay(key: K, from: number, to: number): { messages: FeedMessage[]; about: Replay } | undefined {
    const patterns = this.#followers.get(key)?.patterns;
    if (patterns === undefined) return undefined;
    const messages = this.history.range(patterns, from, { to, count: REPLAY_MAX });
    const oldest = this.history.oldest || this.#head + 1;
    return { messages, about: { from, to, oldest, complete: messages.length < REPLAY_MAX } };
  }

  /** Due every `BEAT_MS`: what each follower is told of what changed since the last time. */
  *beats(): Generator<[K, Lasts]> {
    const changed = this.#lasts(this.#changed);
    this.#changed = new Set();
    for (const [key, following] of this.#followers) {
      const lasts = following.isNew ? this.#lasts(this.#lastOf.keys()) : changed;
      following.isNew = false;
      yield [key, lasts.filter(([topic]) => matchesAny(following.patterns, topic))];
    }
  }

  #admit(topic: string): void {
    requireTopic(topic);
    if (this.#lastOf.size < TOPICS_MAX) return;
    const text = `${topic} would be topic ${TOPICS_MAX + 1} of this feed; use fewer, wider topics`;
    throw new PatternError("ERR_OVERLOADED", text);
  }

  #lasts(topics: Iterable<string>): [string, number][] {
    return [...topics].map((topic) => [topic, this.#lastOf.get(topic) ?? 0]);
  }
}
