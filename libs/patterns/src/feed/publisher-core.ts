import type { Headers } from "@zeroplane/link";
import { PatternError } from "../errors.ts";
import type { Replay } from "./follower-core.ts";
import type { FeedStore } from "./history.ts";
import type { FeedMessage } from "./message.ts";
import { REPLAY_BYTES } from "./protocol.ts";
import { matchesAny, requireTopic } from "./topics.ts";

/** Each topic has its last number kept, and named to new followers. */
const TOPICS_MAX = 100_000;

/** The last number of each topic, as a beat names them. */
export type Lasts = readonly (readonly [topic: string, seq: number])[];

/** What one beat says. */
export interface Beat {
  /** The last number that was given. */
  readonly head: number;
  /** The last message of each topic that changed. */
  readonly lasts: Lasts;
}

/** Where a follower wants to begin, as far as the publisher has to know: a number is a time. */
export type WireFrom = "now" | "last" | number;

/** What a follower asks for. */
export interface Follow {
  readonly patterns: readonly string[];
  /** Default `"now"`. */
  readonly from?: WireFrom;
  /** What it waits for on the data lane. */
  readonly probe?: string | undefined;
}

/** Where a follower begins. */
export interface Start {
  /** Number of the last message that is not wanted. */
  readonly head: number;
  /** The same for single topics, where it is another one. */
  readonly topics: Lasts;
}

/** An answer to a question for what was missed. */
export interface Answer {
  /** Records one after the other (`log-record.ts`). */
  readonly records: Buffer;
  readonly about: Replay;
}

/** Where a publisher goes on after a restart. */
export interface Resumed {
  readonly head: number;
  /** Up to here it does not know every message of every topic. */
  readonly base: number;
  readonly lastOf: ReadonlyMap<string, number>;
}

interface Following {
  readonly patterns: readonly string[];
  /** Whether a topic is wanted: asked once for each. */
  readonly wanted: Map<string, boolean>;
  /** Has not had a beat yet: the first one names every topic. */
  isNew: boolean;
  /** What it waits for on the data lane; `undefined` when it has come, or is not waited for. */
  probe: string | undefined;
}

const FRESH: Resumed = { head: 0, base: 0, lastOf: new Map() };

/**
 * One life of a publisher: numbers what is put, keeps the newest of it, answers those who missed
 * something, and says where it is. `K` is how the caller tells its followers apart.
 */
export class PublisherCore<K> {
  readonly store: FeedStore;
  /** Up to here a follower that was away must ask, whatever the beats name. */
  readonly base: number;
  readonly #lastOf: Map<string, number>;
  readonly #followers = new Map<K, Following>();
  #changed = new Set<string>();
  #head: number;

  /**
   * @param store keeps messages for those who missed something
   * @param resumed where an earlier run of the same life has ended
   */
  constructor(store: FeedStore, { head, base, lastOf }: Resumed = FRESH) {
    this.store = store;
    this.base = base;
    this.#head = head;
    this.#lastOf = new Map(lastOf);
  }

  /** The last number given. */
  get head(): number {
    return this.#head;
  }

  /** How many follow. */
  get followers(): number {
    return this.#followers.size;
  }

  /** How each that follows is reached. */
  sessions(): K[] {
    return [...this.#followers.keys()];
  }

  /** How many of them have the data lane: what is put reaches them at once. */
  get ready(): number {
    return this.#followers.size - this.probes().length;
  }

  /** What has to be sent on the data lane until its followers say that it has come. */
  probes(): string[] {
    return [...this.#followers.values()].flatMap(({ probe }) => probe ?? []);
  }

  /**
   * Numbers a message and keeps it.
   * @throws PatternError ERR_BAD_TOPIC, ERR_OVERLOADED at 100 000 topics, ERR_STORE or
   *   ERR_STORE_FULL when it cannot be kept: nothing is published, and no number taken
   */
  put(topic: string, body: Uint8Array, about: { headers: Headers; atMs: number }): FeedMessage {
    let prev = this.#lastOf.get(topic);
    if (prev === undefined) {
      this.#admit(topic);
      prev = 0;
    }
    const seq = this.#head + 1;
    const { headers, atMs } = about;
    const message: FeedMessage = { topic, seq, prev, atMs, headers, body };
    this.store.push(message);
    this.#head = seq;
    this.#lastOf.set(topic, seq);
    this.#changed.add(topic);
    return message;
  }

  /**
   * Somebody follows, perhaps again: its next beat names every topic.
   * @returns where it begins, when this life is the first that it meets
   */
  follow(key: K, { patterns, from = "now", probe }: Follow): Start {
    this.#followers.set(key, { patterns, wanted: new Map(), isNew: true, probe });
    return this.#startOf(patterns, from);
  }

  /** A probe has come. */
  here(key: K): void {
    const following = this.#followers.get(key);
    if (following !== undefined) following.probe = undefined;
  }

  /** Somebody follows no more. */
  forget(key: K): void {
    this.#followers.delete(key);
  }

  /**
   * What is left of the wanted topics between two numbers, inclusive.
   * @returns `undefined` when it is not known what is wanted: the follower asks again
   */
  replay(key: K, from: number, to: number): Answer | undefined {
    const following = this.#followers.get(key);
    if (following === undefined) return undefined;
    const wants = (topic: string): boolean => wantsOf(following, topic);
    const found = this.store.range({ from, to, wants, bytesMax: REPLAY_BYTES });
    const { records, next, holes } = found;
    return {
      records,
      about: { from, to, next, holes, oldest: this.store.oldest || this.#head + 1 },
    };
  }

  /** Due every `BEAT_MS`: what each follower is told of what changed since the last time. */
  *beats(): Generator<[K, Beat]> {
    const changed = this.#lasts(this.#changed);
    this.#changed = new Set();
    for (const [key, following] of this.#followers) {
      const lasts = following.isNew ? this.#lasts(this.#lastOf.keys()) : changed;
      following.isNew = false;
      const theirs = lasts.filter(([topic]) => matchesAny(following.patterns, topic));
      yield [key, { head: this.#head, lasts: theirs }];
    }
  }

  #startOf(patterns: readonly string[], from: WireFrom): Start {
    if (typeof from === "number") return { head: this.store.before(from), topics: [] };
    if (from === "now") return { head: this.#head, topics: [] };
    const lasts = this.#lasts(this.#lastOf.keys()).filter(([topic]) => matchesAny(patterns, topic));
    return { head: this.#head, topics: lasts.map(([topic, seq]) => [topic, seq - 1]) };
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

function wantsOf({ patterns, wanted }: Following, topic: string): boolean {
  let isWanted = wanted.get(topic);
  if (isWanted === undefined) {
    isWanted = matchesAny(patterns, topic);
    // A follower's topics are no more than the publisher's, but for those of an earlier log.
    if (wanted.size < TOPICS_MAX) wanted.set(topic, isWanted);
  }
  return isWanted;
}
