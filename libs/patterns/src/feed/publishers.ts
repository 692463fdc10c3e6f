import { type BeatOf, FollowerCore, type Gap, type Replay } from "./follower-core.ts";
import type { FeedMessage, Origin } from "./message.ts";
import type { Start } from "./publisher-core.ts";

/** Where a follower begins with a publisher that it meets for the first time. */
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

/** What following asks of the world; `L` is a line to a publisher. */
export interface PublishersEffects<L> {
  deliver(origin: Origin, message: FeedMessage): void;
  gap(origin: Origin, gap: Gap): void;
  ask(line: L, from: number, to: number): void;
}

/** Where a control message came from, and when. */
export interface About<L> {
  readonly line: L;
  readonly epoch: number;
  /** Of a clock that never goes back, in milliseconds. */
  readonly nowMs: number;
}

interface Publisher<L> {
  readonly origin: Origin;
  readonly core: FollowerCore;
  line: L;
}

const EARLY_MAX = 1_000;
const FIRST: Start = { head: 0, topics: [] };

/** The publishers that one follower has met, each in its newest life. */
export class Publishers<L> {
  readonly #from: From;
  readonly #effects: PublishersEffects<L>;
  readonly #byNode = new Map<string, Publisher<L>>();
  /** What came on the data lane before its publisher's offer on the other one. */
  #early: { readonly origin: Origin; readonly message: FeedMessage }[] = [];

  constructor(from: From, effects: PublishersEffects<L>) {
    this.#from = from;
    this.#effects = effects;
  }

  /** `from` as a publisher has to know it. */
  get wireFrom(): "now" | "last" | number {
    if (this.#from instanceof Date) return this.#from.getTime();
    return this.#from === "last" ? "last" : "now";
  }

  /** Every publisher that was met. */
  all(): { readonly origin: Origin; readonly core: FollowerCore }[] {
    return [...this.#byNode.values()];
  }

  /** A first offer says where a publisher is; the one after `follow` says where this one begins. */
  offered(line: L, { origin, head, base, start }: Offer, nowMs: number): void {
    const where = start ?? (this.wireFrom === "now" ? { head, topics: [] } : undefined);
    if (where === undefined) return;
    const publisher = this.#meet(origin, where, line);
    if (start !== undefined) publisher.core.resumed(base);
    const early = this.#early;
    this.#early = [];
    for (const { origin: of, message } of early) this.data(of, message, nowMs);
  }

  /** A beat of a publisher. */
  beat(about: About<L>, beat: BeatOf): void {
    this.#of(about)?.core.beat(beat, about.nowMs);
  }

  /** An answer of a publisher. */
  replayed(about: About<L>, messages: readonly FeedMessage[], replay: Replay): void {
    this.#of(about)?.core.replayed(messages, replay, about.nowMs);
  }

  /** A message of a wanted topic came on the data lane. */
  data(origin: Origin, message: FeedMessage, nowMs: number): void {
    const publisher = this.#byNode.get(origin.node);
    if (publisher?.origin.epoch === origin.epoch) publisher.core.message(message, nowMs);
    // Without an offer a message is not lost: its publisher's beats lead to it.
    else if (this.#early.length < EARLY_MAX) this.#early.push({ origin, message });
  }

  #of({ line, epoch }: About<L>): Publisher<L> | undefined {
    for (const publisher of this.#byNode.values()) {
      if (publisher.line === line && publisher.origin.epoch === epoch) return publisher;
    }
    return undefined;
  }

  #meet(origin: Origin, start: Start, line: L): Publisher<L> {
    const known = this.#byNode.get(origin.node);
    if (known?.origin.epoch === origin.epoch) {
      known.line = line;
      return known;
    }
    known?.core.ended();
    const from = known === undefined ? this.#begin(origin, start) : FIRST;
    const publisher: Publisher<L> = { origin, line, core: this.#core(origin, from) };
    this.#byNode.set(origin.node, publisher);
    return publisher;
  }

  #begin(origin: Origin, start: Start): Start {
    const from = this.#from;
    if (from === "start") return FIRST;
    if (typeof from === "number") return { head: from, topics: [] };
    return typeof from === "function" ? { head: from(origin), topics: [] } : start;
  }

  #core(origin: Origin, { head, topics }: Start): FollowerCore {
    const effects = {
      deliver: (message: FeedMessage) => this.#effects.deliver(origin, message),
      gap: (gap: Gap) => this.#effects.gap(origin, gap),
      ask: (from: number, to: number) => {
        const line = this.#byNode.get(origin.node)?.line;
        if (line !== undefined) this.#effects.ask(line, from, to);
      },
    };
    return new FollowerCore(head, effects, topics);
  }
}
