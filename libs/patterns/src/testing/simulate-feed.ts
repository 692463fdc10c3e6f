import {
  type Host,
  Nemesis,
  type Simulation,
  World,
  type WorldOptions,
} from "@zeroplane/link/testing";
import type { Replay } from "../feed/follower-core.ts";
import { History } from "../feed/history.ts";
import { messagesIn } from "../feed/log-record.ts";
import type { FeedMessage, Origin } from "../feed/message.ts";
import { BEAT_MS } from "../feed/protocol.ts";
import { type Answer, type Beat, PublisherCore, type WireFrom } from "../feed/publisher-core.ts";
import { type Offer, Publishers } from "../feed/publishers.ts";
import { FeedBook, FollowerBook } from "./feed-book.ts";
import { ReliableLane } from "./reliable-lane.ts";

type Said =
  | { readonly kind: "follow"; readonly topics: readonly string[]; readonly from: WireFrom }
  | { readonly kind: "ask"; readonly from: number; readonly to: number }
  | ({ readonly kind: "offer" } & Offer)
  | { readonly kind: "beat"; readonly epoch: number; readonly beat: Beat }
  | { readonly kind: "replay"; readonly epoch: number; readonly answer: Answer };

interface Publishing {
  readonly origin: Origin;
  readonly core: PublisherCore<string>;
}

interface Following {
  readonly publishers: Publishers<string>;
  readonly book: FollowerBook;
  readonly starts: Map<string, number>;
}

const TOPICS = ["a.x", "a.y", "b.x", "b.y.z", "c"];
const FILTERS = [[">"], ["a.*"], ["b.>", "c"], ["*.x"], ["c"]];
const FAULTS_MS = 8_000;
/** Long enough for a replay asked for in several pieces, each again after a second. */
const SETTLE_MS = 15_000;
const PUT_MS = 20;

/**
 * Runs publishers and followers of one feed, with the very cores of both, over a data lane that
 * loses, doubles, delays and cuts, and control lanes that stall or are reset, through crashes.
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
  readonly #publishing = new Map<string, Publishing>();
  readonly #following = new Map<string, Following>();
  readonly #historyBytes: number;
  readonly #fill: boolean;
  #busy = true;
  #lives = 0;
  resets = 0;

  constructor(world: World) {
    this.world = world;
    this.#historyBytes = world.random.pick([2_000, 20_000, 1_000_000]);
    this.#fill = world.random.chance(0.8);
  }

  play(): void {
    const { random } = this.world;
    const publishers = Array.from({ length: random.between(1, 3) }, (_, i) => `publisher${i}`);
    const followers = Array.from({ length: random.between(1, 3) }, (_, i) => `follower${i}`);
    const pairs = publishers.flatMap((from) => followers.map((to) => [from, to] as const));
    for (const pair of pairs) this.#lanes.set(pair.join(">"), new ReliableLane(this.world));
    for (const name of publishers) this.world.add(name, (host) => this.#publish(host, followers));
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
      ],
    });
    nemesis.run(FAULTS_MS);
    this.#busy = false;
    this.world.run(SETTLE_MS);
    this.#check();
  }

  #check(): void {
    for (const { book, starts } of this.#following.values())
      for (const { origin } of this.#publishing.values()) {
        const start = starts.get(`${origin.node}/${origin.epoch}`);
        if (start === undefined) throw new Error(`${origin.node} was never met`);
        book.check(origin, start);
      }
  }

  /** A publishing process; each start is a life without the history of the one before. */
  #publish(host: Host, followers: readonly string[]): { receive: () => void } {
    const origin = { node: host.name, epoch: ++this.#lives };
    const core = new PublisherCore<string>(new History(this.#historyBytes));
    this.#publishing.set(host.name, { origin, core });
    const tell = (to: string, said: Said): void => this.#lane(host.name, to).send(host, said);
    for (const name of followers)
      this.#lane(host.name, name).join(host, {
        reset: () => core.forget(name),
        receive: (message) => {
          const said = message as Said;
          if (said.kind === "follow") {
            const start = core.follow(name, said.topics, said.from);
            tell(name, { kind: "offer", origin, head: core.head, base: core.base, start });
          }
          if (said.kind !== "ask") return;
          const answer = core.replay(name, said.from, said.to);
          if (answer !== undefined) tell(name, { kind: "replay", epoch: origin.epoch, answer });
        },
      });
    host.every(BEAT_MS, () => {
      for (const [to, beat] of core.beats()) tell(to, { kind: "beat", epoch: origin.epoch, beat });
    });
    // Before anybody follows this life: none of it may be jumped over.
    if (this.#busy && host.random.chance(0.3)) {
      for (let left = 10; left > 0; left--) this.#put(host, { origin, core }, followers);
    }
    host.every(PUT_MS, () => {
      if (!this.#busy || !host.random.chance(0.15)) return;
      const count = host.random.chance(0.002) ? 700 : host.random.pick([1, 1, 3, 20]);
      for (let i = 0; i < count; i++) this.#put(host, { origin, core }, followers);
    });
    return { receive: () => undefined };
  }

  #put(host: Host, { origin, core }: Publishing, followers: readonly string[]): void {
    const body = Buffer.from(String(host.random.between(0, 1e6)));
    const about = { headers: {}, atMs: host.nowMs };
    const message = core.put(host.random.pick(TOPICS), body, about);
    this.book.put(origin, message);
    for (const name of followers)
      this.world.network.send(host.name, name, () => {
        if (!this.world.isUp(name)) return;
        this.world.note(`${name} ${origin.epoch} ${message.seq}`);
        this.#following.get(name)?.publishers.data(origin, [message], this.world.clock.nowMs);
      });
  }

  #follow(host: Host, names: readonly string[]): { receive: () => void } {
    const topics = host.random.pick(FILTERS);
    const from = host.random.pick(["now", "start"] as const);
    const book = new FollowerBook(host.name, topics, this.book);
    const starts = new Map<string, number>();
    const ask = (to: string, said: Said): void => this.#lane(to, host.name).send(host, said);
    const publishers = new Publishers<string>(
      { topics, from, single: names.length === 1, fill: this.#fill },
      {
        deliver: (origin, message) => book.delivered(origin, message),
        gap: (origin, gap) => book.gap(origin, gap),
        ask: (to, first, last) => ask(to, { kind: "ask", from: first, to: last }),
        reset: (reset) => {
          this.resets++;
          book.reset(reset);
        },
      },
    );
    this.#following.set(host.name, { publishers, book, starts });
    const met = new Set<string>();
    for (const name of names)
      this.#lane(name, host.name).join(host, {
        reset: () => ask(name, { kind: "follow", topics, from: publishers.wireFrom }),
        receive: (message) => {
          const said = message as Said;
          if (said.kind === "offer") {
            const key = `${name}/${said.origin.epoch}`;
            const start = from === "now" && !met.has(name) ? said.head : 0;
            if (!starts.has(key)) starts.set(key, start);
            met.add(name);
            book.follows(said.origin);
            publishers.offer(name, said, host.nowMs);
          }
          if (said.kind === "beat") publishers.beat(name, said.epoch, said.beat, host.nowMs);
          if (said.kind === "replay")
            publishers.replayed(name, said.epoch, received(said.answer), host.nowMs);
        },
      });
    return { receive: () => undefined };
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
