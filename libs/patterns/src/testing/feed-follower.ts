import type { Host, World } from "@zeroplane/link/testing";
import { type Entry, Inbox, type SlowPolicy } from "../feed/inbox.ts";
import type { FeedMessage, Origin } from "../feed/message.ts";
import { type From, type Offer, Publishers } from "../feed/publishers.ts";
import { type FeedBook, FollowerBook, type Wants } from "./feed-book.ts";

const FILTERS = [[">"], ["a.*"], ["b.>", "c"], ["*.x"], ["c"]];
const TAKE_MS = 50;

/** How one follower of a run follows. */
export interface FollowerPlan {
  readonly single: boolean;
  readonly fill: boolean;
  readonly ask: (to: string, from: number, last: number) => void;
  readonly reset: () => void;
}

/** One life of a simulated follower: what it follows, and an iteration that is slow at times. */
export class FeedFollower {
  readonly topics: readonly string[];
  readonly publishers: Publishers<string>;
  readonly #book: FollowerBook;
  readonly #published: FeedBook;
  readonly #host: Host;
  readonly #from: From;
  readonly #inbox: Inbox;
  readonly #met = new Set<string>();
  #lacksRoom = false;
  #isSlow = false;

  constructor(host: Host, world: World, plan: FollowerPlan, published: FeedBook) {
    const { random } = host;
    this.#host = host;
    this.#published = published;
    this.topics = random.pick(FILTERS);
    this.#from = random.pick<From>(["now", "start", "last", 5, new Date(random.between(0, 8_000))]);
    const slow = random.pick<SlowPolicy>(["replay", "replay", "drop-oldest-and-say", "die"]);
    const messages = random.pick([5, 50, 10_000]);
    this.#inbox = new Inbox(host.name, slow, { messages, ...(random.chance(0.3) && { ms: 500 }) });
    this.#book = new FollowerBook(host.name, this.topics, published);
    this.#book.mayHaveGaps = !plan.fill || slow === "drop-oldest-and-say";
    const { single, fill } = plan;
    world.note(`${host.name} follows ${this.topics.join()} from ${String(this.#from)}, ${slow}`);
    this.publishers = new Publishers<string>(
      {
        topics: this.topics,
        from: this.#from,
        single,
        fill,
        hasRoom: () => this.#hasRoom(),
        leaves: slow === "replay" && fill,
      },
      {
        deliver: (origin, message, isLive) => this.#inbox.push(origin, message, isLive, host.nowMs),
        gap: (origin, gap) => this.#inbox.gap({ ...gap, ...origin }),
        ask: plan.ask,
        reset: (reset) => {
          plan.reset();
          this.#inbox.reset(reset);
        },
      },
    );
    host.every(TAKE_MS, () => this.#takeSome());
  }

  /** True when it has given up, as it may. */
  get isDead(): boolean {
    return this.#inbox.fault !== undefined;
  }

  /** A publisher's offer. */
  offered(from: string, offer: Offer): void {
    const isFirst = !this.#met.has(from);
    this.#met.add(from);
    this.#book.follows(offer.origin, isFirst ? this.#wants(offer) : ANY);
    this.publishers.offer(from, offer, this.#host.nowMs);
  }

  /** A message of the data lane. */
  data(origin: Origin, message: FeedMessage): void {
    this.publishers.data(origin, [message], this.#host.nowMs);
  }

  /** At rest. */
  check(origin: Origin): void {
    if (this.isDead) return;
    this.#isSlow = false;
    this.#takeSome();
    this.#book.check(origin);
  }

  /** By the words of `from`, from what was published; not from what the publisher says. */
  #wants({ origin, head, start }: Offer): Wants {
    const from = this.#from;
    if (from === "now") return exactly(({ seq }) => seq > head);
    if (from instanceof Date) return exactly(({ atMs }) => atMs >= from.getTime());
    if (typeof from === "number") return exactly(({ seq }) => seq > from);
    if (from !== "last") return ANY;
    const lasts = new Map<string, number>();
    for (const { seq, topic } of this.#published.of(origin).values())
      if (seq <= head) lasts.set(topic, seq);
    // A topic of which nothing is kept has no last.
    const kept = new Set(start?.topics.map(([topic]) => topic));
    const must = ({ seq, topic }: FeedMessage): boolean =>
      seq >= (kept.has(topic) ? (lasts.get(topic) ?? 0) : head + 1);
    // When the last one is lost, the one before it is the last that the publisher knows.
    return { must, may: (message) => this.#published.mayHaveGaps || must(message) };
  }

  #hasRoom(): boolean {
    const hasRoom = this.#inbox.hasRoom(this.#host.nowMs);
    if (!hasRoom) this.#lacksRoom = true;
    return hasRoom;
  }

  #takeSome(): void {
    const { random, nowMs } = this.#host;
    if (random.chance(0.05)) this.#isSlow = !this.#isSlow;
    if (nowMs > CALM_MS) this.#isSlow = false;
    this.#inbox.check(nowMs);
    for (let left = this.#isSlow ? random.between(0, 1) : 1e6; left > 0; left--) {
      const entry = this.#inbox.take();
      if (this.#lacksRoom && this.#inbox.hasRoom(nowMs)) {
        this.#lacksRoom = false;
        this.publishers.goOn(nowMs);
      }
      if (entry === undefined) return;
      this.#took(entry);
    }
  }

  #took(entry: Entry): void {
    if ("reset" in entry) this.#book.reset(entry.reset);
    else if ("gap" in entry) this.#book.gap(entry.gap, entry.gap);
    else this.#book.delivered(entry.origin, entry.message);
  }
}

/** From here on nobody is slow. */
const CALM_MS = 12_000;

const exactly = (wants: (message: FeedMessage) => boolean): Wants => ({ must: wants, may: wants });
const ANY = exactly(() => true);
