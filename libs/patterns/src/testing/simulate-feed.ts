import {
  type Host,
  Nemesis,
  type Program,
  type Simulation,
  World,
  type WorldOptions,
} from "@zeroplane/link/testing";
import type { Replay } from "../feed/follower-core.ts";
import { messagesIn } from "../feed/log-record.ts";
import type { FeedMessage, Origin } from "../feed/message.ts";
import { BEAT_MS } from "../feed/protocol.ts";
import { type Answer, type Beat, type WireFrom } from "../feed/publisher-core.ts";
import { type Offer } from "../feed/publishers.ts";
import { FeedBook } from "./feed-book.ts";
import { FeedFollower } from "./feed-follower.ts";
import { FeedPublisher } from "./feed-publisher.ts";
import { ReliableLane } from "./reliable-lane.ts";

type Said =
  | { readonly kind: "follow"; readonly topics: readonly string[]; readonly from: WireFrom }
  | { readonly kind: "ask"; readonly from: number; readonly to: number }
  | ({ readonly kind: "offer" } & Offer)
  | { readonly kind: "beat"; readonly epoch: number; readonly beat: Beat }
  | { readonly kind: "replay"; readonly epoch: number; readonly answer: Answer };

const FAULTS_MS = 8_000;
/** Long enough for a replay asked for in several pieces, each again after a second. */
const SETTLE_MS = 15_000;
const PUT_MS = 20;

/**
 * Runs publishers and followers of one feed, with the very cores of both, over a data lane that
 * loses, doubles, delays and cuts, and control lanes that stall or are reset, through restarts,
 * crashes with a log or without, full disks and followers that are slow.
 */
export function simulateFeed(seed: number, options: WorldOptions = {}): Simulation {
  const run = new FeedRun(new World(seed, options));
  let failure: string | undefined;
  try {
    run.play();
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  const { hash, events, clock } = run.world;
  const counts = { records: run.book.published, resets: run.resets };
  const outcome = { seed, hash, events, ...counts, virtualMs: clock.nowMs };
  return { ...outcome, ...(failure !== undefined && { failure }) };
}

class FeedRun {
  readonly world: World;
  readonly book = new FeedBook();
  readonly #lanes = new Map<string, ReliableLane>();
  readonly #publishing = new Map<string, FeedPublisher>();
  readonly #following = new Map<string, FeedFollower>();
  readonly #fill: boolean;
  #busy = true;
  #lives = 0;
  resets = 0;

  constructor(world: World) {
    this.world = world;
    this.#fill = world.random.chance(0.8);
  }

  play(): void {
    const { random } = this.world;
    const publishers = Array.from({ length: random.between(1, 3) }, (_, i) => `publisher${i}`);
    const followers = Array.from({ length: random.between(1, 3) }, (_, i) => `follower${i}`);
    const pairs = publishers.flatMap((from) => followers.map((to) => [from, to] as const));
    for (const pair of pairs) this.#lanes.set(pair.join(">"), new ReliableLane(this.world));
    for (const name of publishers) this.#add(name, followers);
    for (const name of followers) this.world.add(name, (host) => this.#follow(host, publishers));
    const lanes = [...this.#lanes.values()];
    const nemesis = new Nemesis(this.world, {
      nodes: [...publishers, ...followers],
      links: pairs,
      crashes: random.chance(0.6),
      faultMsMax: 4_000,
      extra: [
        () => random.pick(lanes).reset(),
        () => random.pick(lanes).stall(random.between(1, 3_000)),
        () => this.#restart(random.pick(publishers)),
        () => this.#publisher(random.pick(publishers)).full(true),
        () => this.#publisher(random.pick(publishers)).full(false),
        () => random.chance(0.2) && this.#publisher(random.pick(publishers)).rot(),
      ],
    });
    nemesis.run(FAULTS_MS);
    this.#busy = false;
    for (const publisher of this.#publishing.values()) publisher.full(false);
    this.world.run(SETTLE_MS);
    for (const follower of this.#following.values())
      for (const { life } of this.#publishing.values())
        if (life !== undefined) follower.check(life.origin);
  }

  #add(name: string, followers: readonly string[]): void {
    const { book } = this;
    const of = { book, newEpoch: () => ++this.#lives };
    const publisher = new FeedPublisher(name, this.world, of);
    this.#publishing.set(name, publisher);
    this.world.add(name, (host) => this.#publish(host, publisher, followers));
  }

  /** Ends as it should, and starts again. */
  #restart(name: string): void {
    this.#publisher(name).stop();
    this.world.clock.after(this.world.random.between(0, 500), () => this.world.restart(name));
  }

  /** A publishing process; without a log each start is a life of its own. */
  #publish(host: Host, publisher: FeedPublisher, followers: readonly string[]): Program {
    const { origin, core } = publisher.start(host);
    this.book.begins(origin);
    const tell = (to: string, said: Said): void => this.#lane(host.name, to).send(host, said);
    for (const name of followers)
      this.#lane(host.name, name).join(host, {
        reset: () => core.forget(name),
        receive: (message) => {
          const said = message as Said;
          if (said.kind === "follow") {
            const start = core.follow(name, { patterns: said.topics, from: said.from });
            tell(name, { kind: "offer", origin, head: core.head, base: core.base, start });
          }
          if (said.kind !== "ask") return;
          const answer = core.replay(name, said.from, said.to);
          if (answer !== undefined) tell(name, { kind: "replay", epoch: origin.epoch, answer });
        },
      });
    host.every(BEAT_MS, () => {
      core.store.flush();
      for (const [to, beat] of core.beats()) tell(to, { kind: "beat", epoch: origin.epoch, beat });
    });
    // Before anybody follows this life: none of it may be jumped over.
    if (this.#busy && host.random.chance(0.3)) this.#put(host, publisher, 10);
    host.every(PUT_MS, () => {
      if (!this.#busy || !host.random.chance(0.15)) return;
      this.#put(host, publisher, host.random.chance(0.002) ? 700 : host.random.pick([1, 1, 3, 20]));
    });
    return { receive: () => undefined };
  }

  /** One turn: what is put in it is kept, and then sent; its process may end before. */
  #put(host: Host, publisher: FeedPublisher, count: number): void {
    const put = Array.from({ length: count }, () => publisher.put(host));
    const { life } = publisher;
    if (life === undefined) return;
    if (host.random.chance(0.002) && this.world.isUp(host.name)) {
      this.world.crash(host.name);
      this.world.clock.after(100, () => this.world.restart(host.name));
      return;
    }
    life.core.store.flush();
    for (const message of put) if (message !== undefined) this.#send(host, life.origin, message);
  }

  #send(host: Host, origin: Origin, message: FeedMessage): void {
    for (const [name, follower] of this.#following)
      this.world.network.send(host.name, name, () => {
        if (!this.world.isUp(name) || this.#following.get(name) !== follower) return;
        this.world.note(`${name} ${origin.epoch} ${message.seq}`);
        follower.data(origin, message);
      });
  }

  #follow(host: Host, names: readonly string[]): Program {
    const say = (to: string, said: Said): void => this.#lane(to, host.name).send(host, said);
    const plan = {
      single: names.length === 1,
      fill: this.#fill,
      ask: (to: string, from: number, last: number) => say(to, { kind: "ask", from, to: last }),
      reset: () => this.resets++,
    };
    const follower = new FeedFollower(host, this.world, plan, this.book);
    this.#following.set(host.name, follower);
    const { publishers, topics } = follower;
    for (const name of names)
      this.#lane(name, host.name).join(host, {
        reset: () => say(name, { kind: "follow", topics, from: publishers.wireFrom }),
        receive: (message) => {
          const said = message as Said;
          if (said.kind === "offer") follower.offered(name, said);
          if (said.kind === "beat") publishers.beat(name, said.epoch, said.beat, host.nowMs);
          if (said.kind === "replay")
            publishers.replayed(name, said.epoch, received(said.answer), host.nowMs);
        },
      });
    return { receive: () => undefined };
  }

  #publisher(name: string): FeedPublisher {
    const publisher = this.#publishing.get(name);
    if (publisher === undefined) throw new RangeError(`no publisher ${name}`);
    return publisher;
  }

  #lane(publisher: string, follower: string): ReliableLane {
    const lane = this.#lanes.get(`${publisher}>${follower}`);
    if (lane === undefined) throw new RangeError(`no lane ${publisher}>${follower}`);
    return lane;
  }
}

/** An answer as its receiver reads it. */
function received({ records, about }: Answer): { messages: FeedMessage[]; about: Replay } {
  const messages = messagesIn(records);
  if (messages === undefined) throw new Error("an answer with a record that is not whole");
  return { messages, about };
}
