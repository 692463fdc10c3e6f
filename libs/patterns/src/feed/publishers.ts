import { FollowerCore, type Gap, type Replay } from "./follower-core.ts";
import type { FeedMessage, Origin } from "./message.ts";
import type { Lasts } from "./publisher-core.ts";
import { matchesAny } from "./topics.ts";

/** Where to begin with a life of a publisher. */
export type From = "now" | "start" | ((origin: Origin) => number);

/** A publisher came back without its history: numbers begin again. */
export interface Reset extends Origin {
  /** The life that was followed until now. */
  readonly before: Origin;
}

/** What the publishers of a feed lead to. `S` is how the caller reaches one. */
export interface PublishersEffects<S> {
  deliver(origin: Origin, message: FeedMessage): void;
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
}

interface Publisher<S> {
  readonly origin: Origin;
  readonly core: FollowerCore;
  session: S;
}

const EARLY_MAX = 1_000;

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

  /** A publisher says where it is. */
  offer(session: S, origin: Origin, head: number): void {
    const before = this.#before(origin);
    if (before?.origin.epoch === origin.epoch && before.origin.node === origin.node) {
      before.session = session;
      return;
    }
    if (before !== undefined) this.#known.delete(before.origin.node);
    const start = this.#startOf(origin, head, before);
    this.#known.set(origin.node, { origin, session, core: this.#core(origin, start) });
    if (before !== undefined) {
      this.resets++;
      this.#effects.reset({ ...origin, before: before.origin });
    }
    const early = this.#early;
    this.#early = [];
    for (const { origin: of, messages } of early) this.data(of, messages, 0);
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
  beat(session: S, epoch: number, lasts: Lasts, nowMs: number): void {
    this.#of(session, epoch)?.core.beat(lasts, nowMs);
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

  #of(session: S, epoch: number): Publisher<S> | undefined {
    for (const publisher of this.#known.values())
      if (publisher.session === session && publisher.origin.epoch === epoch) return publisher;
    return undefined;
  }

  #before({ node }: Origin): Publisher<S> | undefined {
    return this.#options.single ? this.entries()[0] : this.#known.get(node);
  }

  #startOf(origin: Origin, head: number, before: Publisher<S> | undefined): number {
    const { from } = this.#options;
    if (typeof from === "function") return from(origin);
    return from === "start" || before !== undefined ? 0 : head;
  }

  #core(origin: Origin, start: number): FollowerCore {
    const ask = (from: number, to: number): void => {
      const session = this.#known.get(origin.node)?.session;
      if (session !== undefined) this.#effects.ask(session, from, to);
    };
    return new FollowerCore(start, {
      fill: this.#options.fill,
      deliver: (message) => this.#effects.deliver(origin, message),
      gap: (gap) => this.#effects.gap(origin, gap),
      ask,
    });
  }
}
