import type { Listener, VerbAcceptor } from "@zeroplane/link";
import {
  type Host,
  Lines,
  Nemesis,
  type Simulation,
  VirtualTime,
  World,
  type WorldOptions,
} from "@zeroplane/link/testing";
import { openState, type State } from "../state/state.ts";
import { type View, viewState } from "../state/view.ts";
import { StateBook } from "./state-book.ts";

const FAULTS_MS = 8_000;
const SETTLE_MS = 10_000;
const TICK_MS = 50;
const VIEWERS_MAX = 3;
const KEYS = ["a.1", "a.2", "b.1", "b.2", "c"];
const COUNTER = "c.counter";
const SET_TIMEOUT_MS = 2_000;
const UNDERS = ["", "a.", "b", "c", "nothing"];
const SLOWEST_APPLY_MS = 700;

/**
 * Runs the owner of a state and its views, the very classes of both over real sessions, through
 * loss, cut lines, partitions, standstills and crashes. No view goes back or shows what never was;
 * what a viewer is said to have seen it has applied; its changes alone lead to what it shows. A
 * value is set only at the version that was expected: a counter that viewers add to loses no
 * addition. At the end all are equal, and what was held by a viewer that is gone is gone.
 */
export async function simulateState(seed: number, options: WorldOptions = {}): Promise<Simulation> {
  const world = new World(seed, options);
  using time = new VirtualTime(world.clock, world.random);
  const run = new StateRun(world, time);
  let failure: string | undefined;
  try {
    await run.play();
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  } finally {
    await run.close();
  }
  const { hash, events, clock } = world;
  const counts = { records: run.book.versions, resets: run.book.lives };
  const outcome = { seed, hash, events, ...counts, virtualMs: clock.nowMs };
  return { ...outcome, ...(failure !== undefined && { failure }) };
}

interface Viewing {
  readonly view: View<number>;
  readonly under: string;
  /** What the changes alone lead to. */
  readonly replica: Map<string, number>;
}

class StateRun {
  readonly book = new StateBook();
  readonly #world: World;
  readonly #time: VirtualTime;
  readonly #lines: Lines;
  readonly #views = new Map<string, Viewing>();
  readonly #boots = new Map<string, number>();
  #state: State<number> | undefined;
  #busy = true;

  constructor(world: World, time: VirtualTime) {
    this.#world = world;
    this.#time = time;
    this.#lines = new Lines(world, { beatMs: 500, resumeMs: 3_000 });
  }

  async play(): Promise<void> {
    const { random } = this.#world;
    const count = random.between(1, VIEWERS_MAX);
    const names = Array.from({ length: count }, (_, i) => `view${i}`);
    this.#lines.listen((host) => this.#own(host));
    for (const name of names) this.#lines.dial(name, (host) => this.#view(name, host));
    const nemesis = new Nemesis(this.#world, {
      nodes: ["listener", ...names],
      links: names.map((name) => [name, "listener"] as const),
      crashes: random.chance(0.6),
      faultMsMax: 4_000,
      extra: [() => this.#lines.cut(random.pick(names))],
    });
    await nemesis.runAsync(FAULTS_MS, (forMs) => this.#run(forMs));
    this.#busy = false;
    await this.#run(SETTLE_MS);
    this.#atRest();
  }

  async close(): Promise<void> {
    const closing = [...this.#views.values()].map(({ view }) => view.close());
    closing.push(this.#state?.close() ?? Promise.resolve());
    this.#lines.close();
    await this.#time.run(2 * SLOWEST_APPLY_MS);
    await Promise.all(closing);
  }

  async #run(forMs: number): Promise<void> {
    await this.#time.run(forMs);
    this.book.rethrow();
  }

  #atRest(): void {
    const state = this.#state;
    if (state === undefined) throw new Error("the owner is not there");
    for (const [name, { view, under, replica }] of this.#views) {
      const [wanted, got] = [JSON.stringify(state.entries(under)), JSON.stringify(view.entries())];
      if (wanted !== got) throw new Error(`${name} shows ${got}, not ${wanted}`);
      const led = JSON.stringify([...replica].sort(([a], [b]) => (a < b ? -1 : 1)));
      if (wanted !== led) throw new Error(`the changes of ${name} lead to ${led}, not ${wanted}`);
      if (view.version !== state.version)
        throw new Error(`${name} is at ${view.version}, not at ${state.version}`);
    }
    this.book.checkCounter(state.epoch, state.get(COUNTER) ?? 0);
    const held = state.entries("held.").map(([key]) => key);
    const holders = [...this.#views.keys()].map((name) => `held.${name}.${this.#boots.get(name)}`);
    const orphan = held.find((key) => !holders.includes(key));
    if (orphan !== undefined) throw new Error(`${orphan} is there without its holder`);
    const behind = state.viewers().filter(({ version }) => version !== state.version);
    if (behind.length > 0) throw new Error(`${behind[0]?.node} has not said that it is there`);
    if (state.viewers().length !== this.#views.size)
      throw new Error(`${state.viewers().length} viewers for ${this.#views.size} views`);
  }

  /** The owning process: a new life knows nothing of the one before. */
  #own(host: Host): ReadonlyMap<number, VerbAcceptor> {
    const acceptors = new Map<number, VerbAcceptor>();
    const listener = {
      endpoint: "sim://listener",
      accept: (verb: number, acceptor: VerbAcceptor) => {
        acceptors.set(verb, acceptor);
        return () => undefined;
      },
    };
    void this.#state?.close();
    const state: State<number> = openState<number>("s", listener as unknown as Listener, {
      writable: () => true,
      // Keys that expire make versions as well.
      interceptors: [
        ({ side }, next) => {
          if (side === "producer") this.book.changed(state);
          return next();
        },
      ],
    });
    this.#state = state;
    this.book.lives++;
    this.book.changed(state);
    host.every(TICK_MS, () => {
      this.book.checkSeen(state);
      if (!this.#busy || !host.random.chance(0.3)) return;
      state.update(() => {
        for (let left = host.random.between(1, 3); left > 0; left--) this.#change(host, state);
      });
    });
    return acceptors;
  }

  #change({ random }: Host, state: State<number>): void {
    const key = random.pick(KEYS);
    if (random.chance(0.2)) state.delete(key);
    else state.set(key, random.between(0, 1e6), random.chance(0.2) ? { ttlMs: 300 } : {});
  }

  #view(name: string, host: Host): void {
    void this.#views.get(name)?.view.close();
    const under = host.random.pick(UNDERS);
    const slowMs = host.random.pick([0, 0, 30, SLOWEST_APPLY_MS]);
    const apply = async (view: View<number>): Promise<void> => {
      this.#world.note(`${name} ${view.version}`);
      const shown = { epoch: view.epoch, version: view.version };
      this.book.shows(name, host, { ...shown, under, entries: view.entries() });
      if (slowMs > 0) await new Promise<void>((resolve) => host.after(slowMs, resolve));
      this.book.applied(name, shown);
    };
    this.book.boots(name);
    const boot = (this.#boots.get(name) ?? 0) + 1;
    this.#boots.set(name, boot);
    const view = viewState<number>(this.#lines.session(name), "s", { under, apply });
    const viewing: Viewing = { view, under, replica: new Map() };
    this.#views.set(name, viewing);
    void this.#read(viewing);
    host.every(TICK_MS, () => {
      if (!this.#busy || this.#views.get(name) !== viewing) return;
      if (host.random.chance(0.1)) void this.#add(view);
      if (host.random.chance(0.02)) this.#hold(view, `held.${name}.${boot}`);
    });
  }

  async #read({ view, replica }: Viewing): Promise<void> {
    for await (const { key, value } of view.changes()) {
      if (value === undefined) replica.delete(key);
      else replica.set(key, value);
    }
  }

  /** Adds one to the counter, as it is seen here. Somebody else may be quicker. */
  async #add(view: View<number>): Promise<void> {
    const seen = view.at(COUNTER);
    const { epoch } = view;
    if (!view.fresh || (seen === undefined && view.version === 0)) return;
    const options = { if: seen ?? 0, timeoutMs: SET_TIMEOUT_MS };
    const tried = this.book.adding(epoch);
    await view.set(COUNTER, (seen?.value ?? 0) + 1, options).then(tried.done, tried.failed);
  }

  #hold(view: View<number>, key: string): void {
    view.set(key, 1, { ephemeral: true, timeoutMs: SET_TIMEOUT_MS }).catch(() => undefined);
  }
}
