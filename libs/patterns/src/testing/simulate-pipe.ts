import {
  CALM,
  type Host,
  type Simulation,
  World,
  type WorldOptions,
} from "@zeroplane/link/testing";
import { fromPipeRecord, type RecordHead, toPipeRecord } from "../pipe/record.ts";
import { type PipeClass, Ring, type Waiting } from "../pipe/ring.ts";
import { Senders } from "../pipe/senders.ts";

const COLLECTOR = "collector";
const FAULTS_MS = 8_000;
const TICK_MS = 20;
const RECORD_MAX = 20;
const RANKS: readonly PipeClass[] = [0, 0, 1, 2, 3];

interface Sending {
  readonly boot: number;
  readonly ring: Ring;
  seq: number;
  pushed: number;
}

/**
 * Runs pipes and their collector, with the very ring, records and counts of both, over connections
 * that keep order and lose what was on its way when they are cut. All that was pushed was received,
 * is counted as dropped or as lost, or waits, and what is received comes once, and in order unless
 * an old connection still brings some after the new one has begun.
 */
export function simulatePipe(seed: number, options: WorldOptions = {}): Simulation {
  const run = new PipeRun(new World(seed, options));
  let failure: string | undefined;
  try {
    run.play();
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  const { hash, events, clock } = run.world;
  const counts = { records: run.received, resets: run.missing };
  const outcome = { seed, hash, events, ...counts, virtualMs: clock.nowMs };
  return { ...outcome, ...(failure !== undefined && { failure }) };
}

class PipeRun {
  readonly world: World;
  readonly #sending = new Map<string, Sending>();
  readonly #came = new Map<number, Set<number>>();
  readonly #isOrdered: boolean;
  readonly #senders = new Senders();
  readonly #bytesMax: number;
  #boots = 0;
  #busy = true;
  received = 0;
  missing = 0;

  constructor(world: World) {
    this.world = world;
    this.#bytesMax = world.random.pick([500, 5_000, 100_000]);
    this.#isOrdered = world.random.chance(0.7);
  }

  play(): void {
    const { random } = this.world;
    const names = Array.from({ length: random.between(1, 4) }, (_, i) => `sender${i}`);
    this.world.add(COLLECTOR, () => ({ receive: (_from, frames) => this.#collect(frames) }));
    for (const name of names) this.world.add(name, (host) => this.#send(host));
    const slowestMs = random.pick([2, 200]);
    this.world.network.conditions = {
      ...CALM,
      delayMs: [0, slowestMs],
      ordered: this.#isOrdered,
    };
    while (this.world.clock.nowMs < FAULTS_MS) {
      this.#fault(random.pick(names));
      this.world.run(random.between(10, 1_000));
    }
    for (const name of names) {
      this.world.network.unblock(name, COLLECTOR);
      this.world.restart(name);
    }
    this.#busy = false;
    this.world.run(FAULTS_MS);
    this.#check();
  }

  /** A connection keeps order; it loses whole stretches, or its process ends or stands still. */
  #fault(name: string): void {
    const { random, network } = this.world;
    const faults = [
      () => network.drop(name, COLLECTOR),
      () => network.block(name, COLLECTOR),
      () => network.unblock(name, COLLECTOR),
      () => this.world.pause(name, random.between(1, 1_000)),
      () => this.world.crash(name),
      () => this.world.restart(name),
    ];
    random.pick(faults)();
  }

  #check(): void {
    const stats = this.#senders.stats();
    for (const [name, { boot, ring, pushed, seq }] of this.#sending) {
      if (ring.count > 0) throw new Error(`${name}: ${ring.count} wait at rest`);
      const of = stats.find(({ node }) => node === `${name}/${boot}`);
      if (of === undefined) throw new Error(`${name}: nothing came of boot ${boot}`);
      const counted = of.before + of.received + of.lost + of.dropped;
      if (counted !== pushed)
        throw new Error(`${name}: ${pushed} pushed, ${counted} received or counted, at ${seq}`);
      const came = this.#came.get(boot)?.size;
      if (came !== of.received || of.repeated > 0)
        throw new Error(`${name}: ${came} came, ${of.received} and ${of.repeated} are counted`);
    }
  }

  #send(host: Host): { receive: () => void } {
    const ring = new Ring(this.#bytesMax);
    const sending: Sending = { boot: ++this.#boots, ring, seq: 0, pushed: 0 };
    this.#sending.set(host.name, sending);
    host.every(TICK_MS, () => {
      if (this.#busy && host.random.chance(0.3)) this.#push(host, sending);
      if (host.random.chance(this.#busy ? 0.3 : 1)) this.#leave(host, sending);
    });
    // Once all is well one more message shows what was lost before it.
    let isDone = false;
    host.every(FAULTS_MS / 8, () => {
      if (this.#busy || isDone || ring.count > 0) return;
      isDone = true;
      this.#pushOne(host, sending);
    });
    return { receive: () => undefined };
  }

  #push(host: Host, sending: Sending): void {
    for (let left = host.random.pick([1, 5, 40]); left > 0; left--) this.#pushOne(host, sending);
  }

  #pushOne({ random }: Host, sending: Sending): void {
    const body = Buffer.alloc(random.between(4, 60));
    body.writeUInt32BE(++sending.pushed);
    sending.ring.push("k", body, random.pick(RANKS));
    if (sending.ring.bytes > this.#bytesMax) throw new Error("the ring is over its bound");
  }

  #leave(host: Host, sending: Sending): void {
    const messages: Waiting[] = [];
    while (messages.length < RECORD_MAX) {
      const next = sending.ring.take();
      if (next === undefined) break;
      messages.push(next);
    }
    if (messages.length === 0) return;
    const dropped = sending.ring.dropped.reduce((sum, n) => sum + n, 0);
    const { boot } = sending;
    const node = `${host.name}/${boot}`;
    host.send(COLLECTOR, toPipeRecord({ node, boot, seq: sending.seq + 1, dropped }, messages));
    sending.seq += messages.length;
  }

  #collect(frames: readonly Buffer[]): void {
    const { head, messages } = fromPipeRecord(frames);
    this.#once(head, messages);
    this.missing += this.#senders.received(head, messages.length);
    this.received += messages.length;
  }

  #once({ boot, node }: RecordHead, messages: readonly { readonly body: Buffer }[]): void {
    const came = this.#came.get(boot) ?? new Set<number>();
    this.#came.set(boot, came);
    let last = this.#isOrdered ? (Array.from(came).at(-1) ?? 0) : 0;
    for (const { body } of messages) {
      const number = body.readUInt32BE();
      if (came.has(number) || number <= last) throw new Error(`${node}: ${number} after ${last}`);
      came.add(number);
      last = number;
    }
  }
}
