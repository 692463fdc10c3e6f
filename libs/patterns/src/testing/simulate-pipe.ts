import { type Simulation, World, type WorldOptions } from "@zeroplane/link/testing";
import { CollectorCore } from "../pipe/collector-core.ts";
import type { PipeHead } from "../pipe/pipe.ts";
import { SimSender } from "./sim-sender.ts";

const FAULTS_MS = 6_000;
const SETTLE_MS = 5_000;
const SLOW_MS = 1_500;

/**
 * Runs senders of a pipe, one after the other, and their collector through connections that are
 * cut, a collector that is away or slow, and restarts of both. Whatever was pushed was received, or
 * is counted as dropped or as a hole; the oldest of the lowest class was dropped first.
 */
export function simulatePipe(seed: number, options: WorldOptions = {}): Simulation {
  const world = new World(seed, options);
  const run = new PipeRun(world);
  let failure: string | undefined;
  try {
    run.play();
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  const { hash, events, clock } = world;
  const counts = { records: run.pushed, resets: run.resets };
  const outcome = { seed, hash, events, ...counts, virtualMs: clock.nowMs };
  return { ...outcome, ...(failure !== undefined && { failure }) };
}

interface Connection {
  readonly delayMs: number;
  /** Nothing with a higher number arrives. */
  reached: number;
}

const QUICK: Connection = { delayMs: 1, reached: Number.POSITIVE_INFINITY };

class PipeRun {
  readonly #world: World;
  #sender: SimSender;
  #collector = new CollectorCore();
  /** Numbers that each collector got, of the sender that is there. */
  #got = new Set<number>();
  #told = 0;
  #inFlight = 0;
  #connection: Connection = { ...QUICK };
  #isUp = true;
  #busy = true;
  pushed = 0;
  resets = 0;

  constructor(world: World) {
    this.#world = world;
    this.#sender = new SimSender(world, 1);
  }

  play(): void {
    const { random, clock } = this.#world;
    this.#every(random.pick([20, 60]), () => this.#act());
    while (clock.nowMs < FAULTS_MS) {
      this.#world.run(random.between(1, 800));
      this.#fault();
    }
    this.#isUp = true;
    this.#connection = { ...QUICK };
    this.#world.run(SETTLE_MS);
    this.#busy = false;
    // The last word of a sender is known by the message after it.
    this.#sender.push(8);
    this.pushed++;
    this.#world.run(SETTLE_MS);
    this.#check();
  }

  #act(): void {
    const { random } = this.#world;
    const count = this.#busy ? random.between(0, 3) : 0;
    for (let i = 0; i < count; i++) this.#sender.push(random.pick([8, 50, 250, 400]));
    this.pushed += count;
    this.#sender.pump((head) => this.#offer(head));
    this.#sender.check();
  }

  /** What libzmq does: it takes a few, while there is a connection. */
  #offer({ seq, dropped }: { readonly seq: number; readonly dropped: number }): boolean {
    const { clock } = this.#world;
    if (!this.#isUp || this.#inFlight >= IN_LIBZMQ_MAX) return false;
    const head = {
      node: `sender${this.#sender.boot}`,
      boot: this.#sender.boot,
      seq,
      dropped,
      kind: "sim",
    };
    const connection = this.#connection;
    this.#inFlight++;
    clock.after(connection.delayMs, () => this.#arrive(head, connection));
    return true;
  }

  #arrive(head: PipeHead, connection: Connection): void {
    this.#inFlight--;
    if (head.seq > connection.reached) return;
    this.#world.note(`${head.boot} ${head.seq} arrives`);
    this.#told += this.#collector.received(head);
    if (head.boot === this.#sender.boot) this.#got.add(head.seq);
  }

  #fault(): void {
    const { random } = this.#world;
    const kind = random.next();
    this.resets++;
    if (kind < 0.3) this.#cut();
    else if (kind < 0.5) this.#isUp = false;
    else if (kind < 0.8) this.#isUp = true;
    else if (kind < 0.9) this.#restartSender();
    else this.#restartCollector();
  }

  /** Of what was on its way the first few had reached the other side, which may read them late. */
  #cut(): void {
    const { random } = this.#world;
    const { sent } = this.#sender.core;
    this.#connection.reached = random.between(Math.max(0, sent - this.#inFlight), sent);
    const delayMs = random.pick([1, random.between(1, SLOW_MS)]);
    this.#connection = { delayMs, reached: Number.POSITIVE_INFINITY };
  }

  #restartSender(): void {
    this.#cut();
    this.#sender = new SimSender(this.#world, this.#sender.boot + 1);
    this.#got = new Set();
  }

  #restartCollector(): void {
    this.#cut();
    this.#collector = new CollectorCore();
    this.#got = new Set();
    this.#told = 0;
  }

  #check(): void {
    const { core, pushed } = this.#sender;
    const stats = this.#collector.stats();
    const mine = stats.find(({ node }) => node === `sender${this.#sender.boot}`);
    if (mine === undefined) throw new Error("the last message did not come");
    const { received, lost, dropped, before, repeated } = mine;
    const counted = `${received} received, ${lost} lost, ${before} before, ${dropped} dropped`;
    if (core.waiting > 0) throw new Error(`${core.waiting} still wait`);
    if (received + lost + before + dropped !== pushed)
      throw new Error(`${pushed} were pushed, but ${counted}`);
    if (received !== this.#got.size || repeated > 0)
      throw new Error(`${this.#got.size} came, but ${counted}, ${repeated} twice`);
    const missing = stats.reduce((sum, each) => sum + each.lost + each.dropped, 0);
    if (this.#told < missing) throw new Error(`${missing} are missing, ${this.#told} were told`);
  }

  #every(periodMs: number, run: () => void): void {
    this.#world.clock.after(periodMs, () => {
      run();
      this.#every(periodMs, run);
    });
  }
}

const IN_LIBZMQ_MAX = 64;
