import { codeOf, type Listener, type VerbAcceptor } from "@zeroplane/link";
import {
  type Host,
  Lines,
  Nemesis,
  type Simulation,
  VirtualTime,
  World,
  type WorldOptions,
} from "@zeroplane/link/testing";
import { connect, expose } from "../index.ts";
import { CallBook, type Manner } from "./call-book.ts";

const TICK_MS = 50;
const CALL_MS_MAX = 5_000;
const RESUME_MS = 3_000;
const FAULTS_MS = 10_000;
const SETTLE_MS = 25_000;
const SLACK_MS = 500;
const CLIENTS_MAX = 3;
const MANNERS: readonly Manner[] = ["plain", "plain", "idempotent", "once"];

/** What is served: each run is written into the book. */
interface Target {
  work(number: number, ms: number): Promise<number>;
  fail(number: number): number;
  items(number: number, count: number): AsyncGenerator<number>;
}

/**
 * Runs calls of a few clients to one server, over the real client, server and sessions, through
 * loss, doubling, reordering, partitions, standstills and crashes. Each call ends exactly once and
 * in time, never with another's result; a call runs once at the most unless it is declared
 * idempotent, and a stream comes in order.
 */
export async function simulateCalls(seed: number, options: WorldOptions = {}): Promise<Simulation> {
  const world = new World(seed, options);
  using time = new VirtualTime(world.clock, world.random);
  const run = new CallRun(world, time);
  let failure: string | undefined;
  try {
    await run.play();
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  } finally {
    await run.close();
  }
  const { hash, events, clock } = world;
  const counts = { records: run.book.calls, resets: run.book.calls - run.book.results };
  const outcome = { seed, hash, events, ...counts, virtualMs: clock.nowMs };
  return { ...outcome, ...(failure !== undefined && { failure }) };
}

class CallRun {
  readonly book = new CallBook();
  readonly #world: World;
  readonly #time: VirtualTime;
  readonly #lines: Lines;
  readonly #names: readonly string[];
  readonly #open = new Map<string, Set<number>>();
  #servers: { running(): number }[] = [];
  #busy = true;
  #failure: unknown;

  constructor(world: World, time: VirtualTime) {
    this.#world = world;
    this.#time = time;
    this.#names = Array.from(
      { length: world.random.between(1, CLIENTS_MAX) },
      (_, i) => `client${i}`,
    );
    this.#lines = new Lines(world, { beatMs: 500, resumeMs: RESUME_MS });
  }

  async play(): Promise<void> {
    this.#lines.listen((host) => this.#serve(host));
    for (const name of this.#names) this.#lines.dial(name, (host) => this.#call(name, host));
    const nemesis = new Nemesis(this.#world, {
      nodes: ["listener", ...this.#names],
      links: this.#names.map((name) => [name, "listener"] as const),
      crashes: this.#world.random.chance(0.7),
      faultMsMax: 2 * RESUME_MS,
      extra: [() => this.#lines.cut(this.#world.random.pick(this.#names))],
    });
    await nemesis.runAsync(FAULTS_MS, (forMs) => this.#run(forMs));
    this.#busy = false;
    await this.#run(SETTLE_MS);
    this.book.check(this.#world.clock.nowMs);
    const running = this.#servers.at(-1)?.running() ?? 0;
    if (running > 0) throw new Error(`${running} calls still run at the server`);
  }

  async close(): Promise<void> {
    this.#lines.close();
    await this.#time.run(0);
  }

  async #run(forMs: number): Promise<void> {
    await this.#time.run(forMs);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The listening process: the very `expose` of a server, on simulated lines. */
  #serve(host: Host): ReadonlyMap<number, VerbAcceptor> {
    const acceptors = new Map<number, VerbAcceptor>();
    const listener = {
      endpoint: "sim://listener",
      accept: (verb: number, acceptor: VerbAcceptor) => {
        acceptors.set(verb, acceptor);
        return () => undefined;
      },
      foreign: () => () => undefined,
    };
    const callsMax = this.#world.random.pick([2, 1_000]);
    this.#servers.push(expose(this.#target(host), listener as unknown as Listener, { callsMax }));
    return acceptors;
  }

  #target(host: Host): Target {
    const { book } = this;
    const after = (ms: number): Promise<void> => new Promise((resolve) => host.after(ms, resolve));
    const ran = (number: number): void => this.#guard(() => book.ran(number));
    return {
      work: async (number, ms) => {
        ran(number);
        if (ms > 0) await after(ms);
        return number;
      },
      fail: (number) => {
        ran(number);
        throw Object.assign(new Error(`call ${number} fails`), { code: "OWN" });
      },
      items: async function* (number, count) {
        ran(number);
        for (let i = 0; i < count; i++) {
          await after(1);
          yield i;
        }
      },
    };
  }

  /** A calling process. */
  #call(name: string, host: Host): void {
    for (const number of this.#open.get(name) ?? []) this.book.abandon(number);
    const open = new Set<number>();
    this.#open.set(name, open);
    const session = this.#lines.session(name);
    host.every(TICK_MS, () => {
      if (!this.#busy || !host.random.chance(0.3)) return;
      const manner = host.random.pick(MANNERS);
      const timeoutMs = host.random.between(1, CALL_MS_MAX);
      const client = connect<Target>(session, {
        timeoutMs,
        idempotent: manner === "idempotent",
        once: manner === "once",
      });
      // A process that stands still cannot keep its own time.
      const number = this.book.open(manner, host.nowMs + timeoutMs + FAULTS_MS + SLACK_MS);
      open.add(number);
      void this.#make(client, { number, host, open, manner });
    });
  }

  async #make(
    client: ReturnType<typeof connect<Target>>,
    call: { number: number; host: Host; open: Set<number>; manner: Manner },
  ): Promise<void> {
    const { number, host, open, manner } = call;
    const isOpen = (): boolean => open.delete(number) && this.#open.get(host.name) === open;
    const kind = manner === "once" ? 0 : host.random.next();
    try {
      let of: number = number;
      if (kind < 0.7) of = await client.work(number, host.random.pick([0, 0, 10, 1_000]));
      else if (kind < 0.8) of = await client.fail(number);
      else await this.#take(client, number, host.random.between(0, 30));
      if (isOpen()) this.#guard(() => this.book.result(number, of));
    } catch (error) {
      const code = codeOf(error);
      if (isOpen()) this.#guard(() => this.book.failed(number, code, code === "OWN"));
    }
  }

  async #take(
    client: ReturnType<typeof connect<Target>>,
    number: number,
    count: number,
  ): Promise<void> {
    let next = 0;
    for await (const item of client.items(number, count)) {
      if (item !== next++)
        this.#guard(() => wrong(`call ${number} got item ${item} for ${next - 1}`));
    }
    if (next !== count) this.#guard(() => wrong(`call ${number} got ${next} of ${count} items`));
  }

  /** Remembers the first promise that was broken; handlers and callers must not hide it. */
  #guard(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.#failure ??= error;
    }
  }
}

function wrong(what: string): never {
  throw new Error(what);
}
