import type { World } from "@zeroplane/link/testing";
import type { FeedMessage, Origin } from "../feed/message.ts";
import type { Beat, PublisherCore } from "../feed/publisher-core.ts";
import { type From, Publishers } from "../feed/publishers.ts";
import { matchesAny } from "../feed/topics.ts";
import { FollowedBook, type PublishedBook } from "./feed-book.ts";
import { SimLine } from "./sim-line.ts";
import type { SimPublisher } from "./sim-publisher.ts";

const PATTERNS = [[">"], ["a.*"], ["*.x"], ["a.x", "c"], ["c"]];
const FROMS: readonly From[] = ["start", "now", 5];

/** A follower with its filter, and the publisher's side of its session. */
export class SimFollower {
  readonly name: string;
  readonly #world: World;
  readonly #publisher: SimPublisher;
  readonly #patterns: readonly string[];
  readonly #followed: FollowedBook;
  readonly #line: SimLine;
  readonly #publishers: Publishers<SimLine>;
  readonly #from: From;
  /** As the publisher has it: has asked to follow, and has had its first beat. */
  #isFollowing = false;
  #isNew = true;

  constructor(
    name: string,
    world: World,
    { book, publisher }: { readonly book: PublishedBook; readonly publisher: SimPublisher },
  ) {
    this.name = name;
    this.#world = world;
    this.#publisher = publisher;
    this.#patterns = world.random.pick(PATTERNS);
    this.#from = world.random.pick(FROMS);
    this.#followed = new FollowedBook(book, this.#patterns);
    this.#line = new SimLine(world);
    this.#publishers = new Publishers<SimLine>(this.#from, {
      deliver: (origin, message) => this.#followed.delivered(origin, message),
      gap: (origin, gap) => {
        world.note(`${name} is told a gap ${gap.from}-${gap.to}`);
        this.#followed.gap(origin, gap);
      },
      ask: (line, from, to) => this.#ask(line, from, to),
    });
  }

  get isUp(): boolean {
    return this.#line.isUp;
  }

  reset(): void {
    this.#line.reset();
    this.#isFollowing = false;
  }

  reconnect(afterMs: number): void {
    this.#world.clock.after(afterMs, () => {
      if (this.#line.isUp || this.#publisher.life === undefined) return;
      this.#line.up();
      this.#line.send("there", () => this.#follow());
    });
  }

  data(origin: Origin, message: FeedMessage): void {
    if (!matchesAny(this.#patterns, message.topic)) return;
    this.#world.note(`${this.name} < ${message.topic} ${message.seq}`);
    this.#publishers.data(origin, message, this.#world.clock.nowMs);
  }

  /** The publisher's beat. */
  beat(core: PublisherCore, changed: Beat): void {
    const epoch = this.#publisher.life?.origin.epoch;
    if (!this.#isFollowing || epoch === undefined) return;
    const { head, lasts } = this.#isNew ? core.fullBeat() : changed;
    this.#isNew = false;
    const theirs = lasts.filter(([topic]) => matchesAny(this.#patterns, topic));
    this.#line.send("back", () => {
      const about = { line: this.#line, epoch, nowMs: this.#world.clock.nowMs };
      this.#publishers.beat(about, { head, lasts: theirs });
    });
  }

  check(): void {
    this.#followed.check(this.name);
  }

  /** What the publisher does when it is asked to follow. */
  #follow(): void {
    const { life } = this.#publisher;
    if (life === undefined) return;
    this.#isFollowing = true;
    this.#isNew = true;
    const { core, origin } = life;
    const { head, base } = core;
    const start = core.start(this.#patterns, this.#publishers.wireFrom);
    this.#line.send("back", () => {
      this.#wants(origin, start.head);
      this.#publishers.offered(this.#line, { origin, head, base, start }, this.#world.clock.nowMs);
    });
  }

  /** The first life from where it was told to begin, later ones from their start. */
  #wants({ epoch }: Origin, head: number): void {
    const { starts } = this.#followed;
    if (starts.has(epoch)) return;
    const first = this.#from === "start" ? 0 : typeof this.#from === "number" ? this.#from : head;
    starts.set(epoch, starts.size === 0 ? first : 0);
  }

  #ask(line: SimLine, from: number, to: number): void {
    this.#world.note(`${this.name} asks ${from}-${to}`);
    line.send("there", () => {
      const { life } = this.#publisher;
      if (life === undefined) return;
      const { epoch } = life.origin;
      const { messages, ...about } = life.core.replay(this.#patterns, from, to);
      line.send("back", () => {
        const of = { line, epoch, nowMs: this.#world.clock.nowMs };
        this.#publishers.replayed(of, messages, { from, to, ...about });
      });
    });
  }
}
