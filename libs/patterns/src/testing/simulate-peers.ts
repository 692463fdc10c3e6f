import {
  type Host,
  Nemesis,
  type Program,
  type Simulation,
  World,
  type WorldOptions,
} from "@zeroplane/link/testing";
import { fromWire, type PeerMessage, toWire } from "../peers/message.ts";
import type { Peer, PeerEvent } from "../peers/peer.ts";
import { PeersCore } from "../peers/peers-core.ts";
import { type PeersSettings, settingsOf } from "../peers/settings.ts";
import { PeersBook, type Truth } from "./peers-book.ts";
import { LINE_BEAT_MS, LINE_SILENCE_MS, SimulatedLines } from "./simulated-lines.ts";

const FAULTS_MS = 15_000;
const BEAT_MS = 500;
const TICK_MS = 100;
const LOOK_MS = 20;
/** After the last fault, or the last death, all views are the truth within so many beats. */
export const CONVERGED_BEATS = 20;
const SLOWEST_MS = 2_000;
const SLACK_MS = 3 * TICK_MS;
const NAMES = ["a", "b", "c", "d", "e", "f"];
const SEED_WAYS = ["one", "chain", "all", "beacon"] as const;

/**
 * Runs the cores of a few peers through loss, doubled and late messages, partitions, crashes, blocked
 * loops, clocks that go back and goodbyes. Nobody shows as up what has been dead or blocked for
 * longer than is stated; afterwards all see all who are there, as they are, on one line for each pair.
 */
export function simulatePeers(seed: number, options: WorldOptions = {}): Simulation {
  const world = new World(seed, options);
  const run = new PeersRun(world);
  let failure: string | undefined;
  try {
    run.play();
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  const { hash, events, clock } = world;
  const counts = { records: run.told, resets: run.book.lives };
  const outcome = { seed, hash, events, ...counts, virtualMs: clock.nowMs };
  return { ...outcome, ...(failure !== undefined && { failure }) };
}

interface Life {
  readonly truth: Truth;
  readonly lines: SimulatedLines;
}

class PeersRun {
  readonly book: PeersBook;
  readonly #world: World;
  readonly #settings: PeersSettings;
  readonly #names: readonly string[];
  readonly #way: (typeof SEED_WAYS)[number];
  readonly #lives = new Map<string, Life>();
  readonly #directory = new Map<string, string>();
  #births = 0;
  told = 0;

  constructor(world: World) {
    const { random } = world;
    this.#world = world;
    this.#names = random.shuffled(NAMES.slice(0, random.between(2, NAMES.length)));
    this.#way = random.pick(SEED_WAYS);
    this.#settings = settingsOf({ beatMs: BEAT_MS, forgetMs: random.pick([2_000, 20_000]) });
    const lateMs = SLOWEST_MS + SLACK_MS;
    this.book = new PeersBook({
      downMs: LINE_SILENCE_MS + LINE_BEAT_MS + lateMs,
      stalledMs: this.#settings.stalledMs + lateMs,
    });
  }

  play(): void {
    const { random } = this.#world;
    const names = this.#names;
    for (const name of names) this.#world.add(name, (host) => this.#boot(name, host));
    this.#look();
    const nemesis = new Nemesis(this.#world, {
      nodes: names,
      links: names.flatMap((a, i) => names.slice(i + 1).map((b) => [a, b] as const)),
      crashes: random.chance(0.7),
      faultMsMax: 5_000,
      extra: [() => this.#block(), () => this.#leave(), () => this.#offer()],
    });
    nemesis.run(FAULTS_MS);
    this.#world.run(CONVERGED_BEATS * BEAT_MS);
    this.book.atRest();
    const last = random.pick(names);
    if (random.chance(0.5)) this.#lives.get(last)?.truth.core.leave();
    this.#world.crash(last);
    this.#world.run(CONVERGED_BEATS * BEAT_MS);
    this.book.atRest();
  }

  /** What is true now, seen from outside. */
  #look(): void {
    const { clock } = this.#world;
    for (const name of this.#names) if (!this.#world.isUp(name)) this.book.died(name, clock.nowMs);
    this.book.check(clock.nowMs);
    clock.after(LOOK_MS, () => this.#look());
  }

  #block(): void {
    const { random } = this.#world;
    const name = random.pick(this.#names);
    const forMs = random.between(100, 6_000);
    this.#world.note(`the loop of ${name} is blocked for ${forMs} ms`);
    if (this.#world.isUp(name)) this.#lives.get(name)?.lines.block(forMs);
  }

  #leave(): void {
    const { random, clock } = this.#world;
    const name = random.pick(this.#names);
    if (!this.#world.isUp(name)) return;
    this.#world.note(`${name} leaves`);
    this.#lives.get(name)?.truth.core.leave();
    this.#world.crash(name);
    clock.after(random.between(1, 3_000), () => this.#world.restart(name));
  }

  #offer(): void {
    const { random } = this.#world;
    const truth = this.#lives.get(random.pick(this.#names))?.truth;
    truth?.offers.set(random.pick(["prices", "orders"]), `tcp://sim:${random.between(1, 9)}`);
  }

  #boot(name: string, host: Host): Program {
    const port = this.#isKnown(name) ? 1_000 + NAMES.indexOf(name) : 2_000 + ++this.#births;
    const at = `tcp://sim:${port}`;
    for (const [address, who] of this.#directory) if (who === name) this.#directory.delete(address);
    this.#directory.set(at, name);
    // A clock may have gone back since the life before.
    const epoch = 100_000 + host.nowMs - (host.random.chance(0.2) ? 50_000 : 0);
    const offers = new Map([["prices", `tcp://sim:${host.random.between(1, 9)}`]]);
    const load = host.random.between(0, 9);
    const self = { id: name, name: `peer ${name}`, at, key: undefined, epoch, offers };
    const lines = this.#lines(name, host);
    const told = new Map<string, Peer["state"]>();
    const core = new PeersCore({ ...self, load: () => load }, this.#parts(host, lines, told));
    const [aliveMs, wokeMs] = [host.nowMs, host.nowMs];
    const truth: Truth = { core, at, offers, load, told, aliveMs, wokeMs };
    this.#lives.set(name, { truth, lines });
    this.book.born(name, truth, host.nowMs);
    this.#run(host, { truth, lines });
    return { receive: (from, message) => lines.receive(from, message) };
  }

  #run(host: Host, { truth, lines }: Life): void {
    const { core } = truth;
    const give = (): void => core.give("seeds", this.#seeds(host.name));
    host.after(host.random.between(0, BEAT_MS), give);
    host.every(LOOK_MS, () => {
      if (!lines.isBlocked) runs(truth, host.nowMs);
    });
    host.every(TICK_MS, () => {
      if (!lines.isBlocked) core.tick(host.nowMs);
    });
    if (this.#way === "beacon") host.every(BEAT_MS, () => this.#shine(truth, host.name));
  }

  #parts(
    host: Host,
    lines: SimulatedLines,
    told: Map<string, Peer["state"]>,
  ): ConstructorParameters<typeof PeersCore>[1] {
    const effects = {
      send: (line: number, message: PeerMessage) => lines.send(line, toWire(message)),
      dial: (line: number, { at }: { readonly at: string }) => lines.dial(line, at),
      hangUp: (line: number) => lines.hangUp(line),
      event: (event: PeerEvent) => {
        this.told++;
        if (event.kind === "left") told.delete(event.peer.id);
        else told.set(event.peer.id, event.peer.state);
        this.#world.note(`${host.name}: ${event.peer.id} ${event.kind}`);
      },
      admits: () => true,
    };
    return { settings: this.#settings, effects, nowMs: host.nowMs };
  }

  #lines(name: string, host: Host): SimulatedLines {
    const core = (): PeersCore | undefined => {
      const truth = this.#lives.get(name)?.truth;
      if (truth !== undefined) runs(truth, host.nowMs);
      return truth?.core;
    };
    const events = {
      accepted: () => core()?.accepted(undefined),
      up: (line: number) => core()?.lineUp(line, host.nowMs),
      down: (line: number) => core()?.lineDown(line, host.nowMs),
      closed: (line: number) => core()?.lineClosed(line, host.nowMs),
      receive: (line: number, body: unknown) => core()?.receive(line, fromWire(body), host.nowMs),
    };
    return new SimulatedLines(host, { events, directory: this.#directory, life: this.#births++ });
  }

  /** True when others are given the address of this one, so that it has to come back there. */
  #isKnown(name: string): boolean {
    return this.#way !== "beacon" && (this.#way !== "one" || name === this.#names[0]);
  }

  #seeds(name: string): { readonly at: string }[] {
    const [first = ""] = this.#names;
    const before = this.#names[this.#names.indexOf(name) - 1] ?? first;
    const ways = { one: [first], chain: [before], all: this.#names, beacon: [] };
    return ways[this.#way].map((each) => ({ at: `tcp://sim:${1_000 + NAMES.indexOf(each)}` }));
  }

  /** Tells everybody on the network that it is there; a datagram that is lost is no matter. */
  #shine({ core, at }: Truth, id: string): void {
    const { network, clock } = this.#world;
    const hint = { id, epoch: core.epoch, at };
    for (const [name, { truth, lines }] of this.#lives) {
      if (name === id) continue;
      network.send(id, name, () => {
        const isThere = this.#lives.get(name)?.truth === truth && this.#world.isUp(name);
        if (isThere && !lines.isBlocked) truth.core.hint(hint, clock.nowMs);
      });
    }
  }
}

/** The loop of a process runs, perhaps again after it had stood still. */
function runs(truth: Truth, nowMs: number): void {
  if (nowMs - truth.aliveMs > 2 * LOOK_MS) truth.wokeMs = nowMs;
  truth.aliveMs = nowMs;
}
