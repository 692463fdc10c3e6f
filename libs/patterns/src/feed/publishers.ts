import { FollowerCore, type Gap, type Replay } from "./follower-core.ts";
import type { FeedMessage, Origin } from "./message.ts";
import type { Beat, Start, WireFrom } from "./publisher-core.ts";
import { matchesAny } from "./topics.ts";

/** Where to begin with a publisher that is met for the first time; see `FollowOptions.from`. */
export type From = "now" | "last" | "start" | number | Date | ((origin: Origin) => number);

/** What a publisher says of itself. */
export interface Offer {
  readonly origin: Origin;
  /** The last number that was given. */
  readonly head: number;
  /** Up to here the publisher does not know every message of every topic. */
  readonly base: number;
  /** Where this follower begins; `undefined` before it has asked to follow. */
  readonly start: Start | undefined;
}

/** A publisher came back without its history: numbers begin again. */
export interface Reset extends Origin {
  /** The life that was followed until now. */
  readonly before: Origin;
}

/** What the publishers of a feed lead to. `S` is how the caller reaches one. */
export interface PublishersEffects<S> {
  /** `isLive` when it came by itself, not as an answer. */
  deliver(origin: Origin, message: FeedMessage, isLive: boolean): void;
  gap(origin: Origin, gap: Gap): void;
  ask(session: S, from: number, to: number): void;
  reset(reset: Reset): void;
}

/** What is followed, and how. */
export interface PublishersOptions {
  readonly topics: readonly string[];
  readonly from: From;
  /** True when only one publisher is followed, whatever it is called. */
  readonly single: boolean;
  readonly fill: boolean;
  /** False while whoever takes the messages has enough; see `FollowerEffects`. */
  readonly hasRoom?: () => boolean;
  readonly leaves?: boolean;
}

interface Publisher<S> {
  readonly origin: Origin;
  readonly core: FollowerCore;
  session: S;
}

const EARLY_MAX = 1_000;
const FIRST: Start = { head: 0, topics: [] };

/**
 * Every publisher of a feed that one follower meets. A new life of one that is known is followed
 * from its first message and told as one reset: never a silent jump.
 */
export class Publishers<S> {
  readonly #options: PublishersOptions;
  readonly #effects: PublishersEffects<S>;
  readonly #known = new Map<string, Publisher<S>>();
  /** What came on the data lane before its publisher's offer on the other one. */
  #early: { readonly origin: Origin; readonly messages: readonly FeedMessage[] }[] = [];
  resets = 0;

  constructor(options: PublishersOptions, effects: PublishersEffects<S>) {
    this.#options = options;
    this.#effects = effects;
  }

  /** Those that are followed. */
  entries(): readonly Publisher<S>[] {
    return [...this.#known.values()];
  }

  /** `from` as a publisher has to know it. */
  get wireFrom(): WireFrom {
    const { from } = this.#options;
    if (from instanceof Date) return from.getTime();
    return from === "last" ? "last" : "now";
  }

  /** A publisher says where it is: before it was asked, and where this follower begins after. */
  offer(session: S, { origin, head, base, start }: Offer, nowMs: number): void {
    const where = start ?? (this.wireFrom === "now" ? { head, topics: [] } : undefined);
    if (where === undefined) return;
    const { core } = this.#meet(session, origin, where);
    // Who does not know that it is followed does not answer.
    if (start !== undefined) core.offered({ head, base }, nowMs);
    const early = this.#early;
    this.#early = [];
    for (const { origin: of, messages } of early) this.data(of, messages, nowMs);
  }

  /** Messages of the data lane, of one publisher. */
  data(origin: Origin, messages: readonly FeedMessage[], nowMs: number): void {
    const publisher = this.#known.get(origin.node);
    if (publisher?.origin.epoch !== origin.epoch) {
      // Without an offer a message is not lost: its publisher's beats lead to it.
      if (this.#early.length < EARLY_MAX) this.#early.push({ origin, messages });
      return;
    }
    let topic: string | undefined;
    for (const message of messages) {
      // A record is of one topic: it is matched once.
      if (message.topic !== topic && !matchesAny(this.#options.topics, message.topic)) continue;
      topic = message.topic;
      publisher.core.message(message, nowMs);
    }
  }

  /** A publisher's beat. */
  beat(session: S, epoch: number, beat: Beat, nowMs: number): void {
    this.#of(session, epoch)?.core.beat(beat, nowMs);
  }

  /** A publisher's answer. */
  replayed(
    session: S,
    epoch: number,
    answer: { readonly messages: readonly FeedMessage[]; readonly about: Replay },
    nowMs: number,
  ): void {
    this.#of(session, epoch)?.core.replayed(answer.messages, answer.about, nowMs);
  }

  /** How a publisher is reached, when it is followed. */
  sessionsOf({ node, epoch }: Origin): S[] {
    const publisher = this.#known.get(node);
    return publisher?.origin.epoch === epoch ? [publisher.session] : [];
  }

  /** There is room again. */
  goOn(nowMs: number): void {
    for (const { core } of this.#known.values()) core.goOn(nowMs);
  }

  #of(session: S, epoch: number): Publisher<S> | undefined {
    for (const publisher of this.#known.values())
      if (publisher.session === session && publisher.origin.epoch === epoch) return publisher;
    return undefined;
  }

  #before({ node }: Origin): Publisher<S> | undefined {
    return this.#options.single ? this.entries()[0] : this.#known.get(node);
  }

  #meet(session: S, origin: Origin, start: Start): Publisher<S> {
    const before = this.#before(origin);
    if (before?.origin.epoch === origin.epoch && before.origin.node === origin.node) {
      before.session = session;
      return before;
    }
    if (before !== undefined) {
      before.core.end();
      this.#known.delete(before.origin.node);
    }
    const core = before === undefined ? this.#first(origin, start) : this.#core(origin, FIRST, 0);
    const publisher = { origin, session, core };
    this.#known.set(origin.node, publisher);
    if (before !== undefined) {
      this.resets++;
      this.#effects.reset({ ...origin, before: before.origin });
    }
    return publisher;
  }

  #first(origin: Origin, start: Start): FollowerCore {
    const { from } = this.#options;
    // A time may lie ahead, and what is kept from around it may be unknown: each message tells.
    const sinceMs = from instanceof Date ? from.getTime() : 0;
    return this.#core(origin, this.#begin(origin, start), sinceMs);
  }

  #begin(origin: Origin, start: Start): Start {
    const { from } = this.#options;
    if (from === "start") return FIRST;
    if (typeof from === "number") return { head: from, topics: [] };
    return typeof from === "function" ? { head: from(origin), topics: [] } : start;
  }

  #core(origin: Origin, start: Start, sinceMs: number): FollowerCore {
    const ask = (from: number, to: number): void => {
      const session = this.#known.get(origin.node)?.session;
      if (session !== undefined) this.#effects.ask(session, from, to);
    };
    const { fill, hasRoom = () => true, leaves = false } = this.#options;
    return new FollowerCore(start, {
      fill,
      hasRoom,
      leaves,
      deliver: (message, isLive) => {
        if (message.atMs >= sinceMs) this.#effects.deliver(origin, message, isLive);
      },
      gap: (gap) => this.#effects.gap(origin, gap),
      ask,
    });
  }
}
