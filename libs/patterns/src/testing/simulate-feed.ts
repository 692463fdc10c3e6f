import { CALM, type Simulation, World, type WorldOptions } from "@zeroplane/link/testing";
import type { FeedMessage } from "../feed/message.ts";
import { BEAT_MS } from "../feed/protocol.ts";
import { PublishedBook } from "./feed-book.ts";
import { SimFollower } from "./sim-follower.ts";
import { SimPublisher } from "./sim-publisher.ts";

const FAULTS_MS = 6_000;
const SETTLE_MS = 20_000;
const FOLLOWERS_MAX = 3;

/**
 * Runs one publisher and a few followers with filters through loss, doubling, reordering, delays,
 * sessions that are reset, and restarts with and without a log. What was delivered and what was
 * told as a gap are together what was published and wanted, in order per topic and once.
 */
export function simulateFeed(seed: number, options: WorldOptions = {}): Simulation {
  const world = new World(seed, options);
  const run = new FeedRun(world);
  let failure: string | undefined;
  try {
    run.play();
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  const { hash, events, clock } = world;
  const counts = { records: run.book.count, resets: run.resets };
  const outcome = { seed, hash, events, ...counts, virtualMs: clock.nowMs };
  return { ...outcome, ...(failure !== undefined && { failure }) };
}

class FeedRun {
  readonly book = new PublishedBook();
  readonly #world: World;
  readonly #publisher: SimPublisher;
  readonly #followers: readonly SimFollower[];
  resets = 0;
  #busy = true;

  constructor(world: World) {
    this.#world = world;
    this.#publisher = new SimPublisher(world, this.book);
    const count = world.random.between(1, FOLLOWERS_MAX);
    this.#followers = Array.from(
      { length: count },
      (_, i) =>
        new SimFollower(`follower${i}`, world, { book: this.book, publisher: this.#publisher }),
    );
  }

  play(): void {
    const { random, network, clock } = this.#world;
    network.conditions = {
      loss: random.pick([0, 0.05, 0.3]),
      duplication: random.pick([0, 0.1]),
      delayMs: [0, random.pick([1, 50, 1_500])],
      ordered: random.chance(0.5),
    };
    this.#every(random.pick([20, 100, 300]), () => this.#put());
    this.#beats();
    for (const follower of this.#followers) follower.reconnect(random.between(0, 3_000));
    while (clock.nowMs < FAULTS_MS) {
      this.#world.run(random.between(10, 800));
      this.#fault();
    }
    this.#busy = false;
    this.#publisher.full(false);
    if (this.#publisher.life === undefined) this.#publisher.start();
    network.conditions = CALM;
    for (const follower of this.#followers) if (!follower.isUp) follower.reconnect(100);
    this.#world.run(SETTLE_MS);
    for (const follower of this.#followers) follower.check();
  }

  #fault(): void {
    const { random } = this.#world;
    const kind = random.next();
    if (kind < 0.25) {
      this.resets++;
      const follower = random.pick(this.#followers);
      follower.reset();
      follower.reconnect(random.between(0, 2_000));
    } else if (kind < 0.4) this.#restart(() => this.#publisher.stop());
    else if (kind < 0.5) this.#restart(() => this.#publisher.crash());
    else if (kind < 0.6) this.#publisher.full(true);
    else this.#publisher.full(false);
  }

  #restart(end: () => void): void {
    const { random, clock } = this.#world;
    if (this.#publisher.life === undefined) return;
    end();
    for (const follower of this.#followers) follower.reset();
    clock.after(random.between(0, 1_000), () => {
      if (this.#publisher.life === undefined) this.#publisher.start();
      for (const follower of this.#followers) follower.reconnect(random.between(0, 500));
    });
  }

  #put(): void {
    const { random } = this.#world;
    const count = this.#busy && random.chance(0.7) ? random.between(0, 2) : 0;
    for (let i = 0; i < count; i++) {
      const message = this.#publisher.put();
      const origin = this.#publisher.life?.origin;
      if (message === undefined || origin === undefined) continue;
      for (const follower of this.#followers) this.#send(follower, origin, message);
    }
  }

  #send(
    follower: SimFollower,
    origin: { node: string; epoch: number },
    message: FeedMessage,
  ): void {
    if (!follower.isUp) return;
    this.#world.network.send("publisher", follower.name, () => follower.data(origin, message));
  }

  #beats(): void {
    this.#every(BEAT_MS, () => {
      const core = this.#publisher.life?.core;
      if (core === undefined) return;
      const changed = core.beat();
      for (const follower of this.#followers) follower.beat(core, changed);
    });
  }

  #every(periodMs: number, run: () => void): void {
    this.#world.clock.after(periodMs, () => {
      run();
      this.#every(periodMs, run);
    });
  }
}
