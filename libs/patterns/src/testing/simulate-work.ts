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
import type { JobContext } from "../work/attempt.ts";
import { Ids } from "../work/ids.ts";
import type { QueueAddOptions } from "../work/job-queue.ts";
import { Queue } from "../work/queue.ts";
import { RemoteQueue } from "../work/remote-queue.ts";
import { startWorker } from "../work/worker.ts";
import { type Errand, JobBook } from "./job-book.ts";
import { type Journal, JournalStore } from "./journal-store.ts";

const TICK_MS = 200;
const RESUME_MS = 3_000;
const GRACE_MS = 1_000;
const TIMEOUT_MS = 2_000;
const FAULTS_MS = 10_000;
const SETTLE_MS_MAX = 90_000;
const STEP_MS = 2_000;
const WORKERS_MAX = 3;
const QUEUE = "jobs";
/** Ways an `add` may fail: the caller does not know whether the job is there. */
const REFUSALS = new Set([
  "ERR_CLOSED",
  "ERR_TIMEOUT",
  "ERR_OVERLOADED",
  "ERR_STORE_FULL",
  "ERR_STORE",
]);
const SERIALS = ["", "", "", "s", "t"];
const KEYS = ["", "", "", "k", "l"];

/** Ids of a simulation: the same for the same seed. */
class SeededIds extends Ids {
  #next = 0;

  override next(): string {
    return `j${String(this.#next++).padStart(6, "0")}`;
  }
}

/**
 * Runs jobs of a queue over the real queue, workers, producers and sessions, through loss,
 * doubling, reordering, partitions, standstills, crashes and full disks. What was accepted ends
 * exactly once, tokens rise, a serial key has one job running and a key one job, and a job runs
 * again only for a reason.
 */
export async function simulateWork(seed: number, options: WorldOptions = {}): Promise<Simulation> {
  const world = new World(seed, options);
  using time = new VirtualTime(world.clock, world.random);
  const run = new WorkRun(world, time);
  let failure: string | undefined;
  try {
    await run.play();
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  } finally {
    await run.close();
  }
  const { hash, events, clock } = world;
  const counts = { records: run.book.accepted.size, resets: run.book.runs };
  const outcome = { seed, hash, events, ...counts, virtualMs: clock.nowMs };
  return { ...outcome, ...(failure !== undefined && { failure }) };
}

function unended(queue: SimulatedQueue): number {
  const { jobs, pending } = queue.stats();
  return jobs.ready + jobs.delayed + jobs.held + jobs.suspect + jobs.leased + pending;
}

type SimulatedQueue = Queue<Errand, number>;

class WorkRun {
  readonly book = new JobBook();
  readonly #world: World;
  readonly #time: VirtualTime;
  readonly #lines: Lines;
  readonly #workers: readonly string[];
  readonly #journal: Journal = [];
  readonly #ids = new SeededIds();
  readonly #isDurable: boolean;
  #queue: SimulatedQueue | undefined;
  #lives = 0;
  #isFull = false;
  #busy = true;
  #number = 0;
  #failure: unknown;

  constructor(world: World, time: VirtualTime) {
    this.#world = world;
    this.#time = time;
    const count = world.random.between(1, WORKERS_MAX);
    this.#workers = Array.from({ length: count }, (_, i) => `worker${i}`);
    this.#isDurable = world.random.chance(0.8);
    this.#lines = new Lines(world, { beatMs: 500, resumeMs: RESUME_MS });
  }

  async play(): Promise<void> {
    const { random } = this.#world;
    this.#lines.listen((host) => this.#open(host));
    for (const name of this.#workers) this.#lines.dial(name, (host) => this.#work(name, host));
    this.#lines.dial("producer", (host) => this.#produce(host));
    const dialled = [...this.#workers, "producer"];
    const nemesis = new Nemesis(this.#world, {
      // The producer and a queue in memory must live; they may stand still.
      nodes: this.#isDurable ? ["listener", ...this.#workers] : this.#workers,
      links: dialled.map((name) => [name, "listener"] as const),
      crashes: random.chance(0.7),
      faultMsMax: 2 * RESUME_MS,
      extra: [
        () => this.#lines.cut(random.pick(dialled)),
        () => this.#cancelSome(),
        () => this.#fillDisk(random.between(1, 1_000)),
      ],
    });
    await nemesis.runAsync(FAULTS_MS, (forMs) => this.#run(forMs));
    this.#busy = false;
    this.#isFull = false;
    await this.#run(RESUME_MS);
    const queue = this.#queue;
    if (queue === undefined) throw new Error("there is no queue");
    const untilMs = this.#world.clock.nowMs + SETTLE_MS_MAX;
    while (unended(queue) > 0 && this.#world.clock.nowMs < untilMs) await this.#run(STEP_MS);
    this.book.check((id) => queue.get(id), this.#lives + queue.stats().undone);
    if (unended(queue) > 0) throw new Error(`${unended(queue)} jobs are left in the queue`);
  }

  async close(): Promise<void> {
    this.#lines.close();
    await this.#time.run(0);
  }

  async #run(forMs: number): Promise<void> {
    await this.#time.run(forMs);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** The process that has the queue: the very queue, on a store that survives it. */
  #open(host: Host): ReadonlyMap<number, VerbAcceptor> {
    const acceptors = new Map<number, VerbAcceptor>();
    const accept = (verb: number, acceptor: VerbAcceptor): (() => void) => {
      acceptors.set(verb, acceptor);
      return () => undefined;
    };
    const listener = { endpoint: "sim://listener", accept } as unknown as Listener;
    const life = ++this.#lives;
    // It boots before the world says that it is up.
    let isBooting = true;
    const isAlive = (): boolean =>
      this.#lives === life && (isBooting || this.#world.isUp("listener"));
    const store = new JournalStore(this.#journal, isAlive, () => this.#isFull);
    const before = this.#queue;
    const queue = new Queue<Errand, number>(
      QUEUE,
      listener,
      {
        producers: true,
        graceMs: GRACE_MS,
        backoff: { firstMs: 200 },
        backlogMax: this.#world.random.pick([20, 10_000]),
        onChange: (job) => this.#guard(() => this.book.changed(job)),
      },
      { store, ids: this.#ids, wallMs: host.nowMs },
    );
    this.#queue = queue;
    host.after(0, () => {
      isBooting = false;
    });
    void before?.close().catch(() => undefined);
    host.every(TICK_MS, () => this.#addSome(queue));
    return acceptors;
  }

  #work(name: string, host: Host): void {
    const credit = host.random.between(1, 4);
    const after = (ms: number): Promise<void> => new Promise((resolve) => host.after(ms, resolve));
    startWorker<Errand, number>(
      this.#lines.session(name),
      QUEUE,
      async (errand, context) => await this.#handle(errand, context, after),
      { credit, name },
    );
  }

  async #handle(
    { number, ms, fails }: Errand,
    context: JobContext,
    after: (ms: number) => Promise<void>,
  ): Promise<number> {
    this.#guard(() => this.book.ran(context.id, context.attempt));
    context.progress(0);
    await (ms < 0 ? new Promise(() => undefined) : after(ms));
    if (fails) throw Object.assign(new Error(`errand ${number} fails`), { code: "OWN" });
    return number;
  }

  #produce(host: Host): void {
    const session = this.#lines.session("producer");
    const queue = new RemoteQueue<Errand, number>(session, QUEUE, {}, this.#ids);
    host.every(TICK_MS, () => this.#addSome(queue));
  }

  #addSome(queue: SimulatedQueue | RemoteQueue<Errand, number>): void {
    const { random } = this.#world;
    if (!this.#busy || !random.chance(0.3)) return;
    for (let count = random.between(1, 4); count > 0; count--) void this.#add(queue);
  }

  async #add(queue: SimulatedQueue | RemoteQueue<Errand, number>): Promise<void> {
    const { random } = this.#world;
    const ms = random.chance(0.03) ? -1 : random.pick([0, 0, 10, 200, 1_500]);
    const errand = { number: this.#number++, ms, fails: random.chance(0.1) };
    const serial = random.pick(SERIALS);
    const key = random.pick(KEYS);
    const options: QueueAddOptions = {
      priority: random.between(-1, 1),
      delayMs: random.pick([0, 0, 1_000]),
      // Only what never settles may be saved by its timeout.
      timeoutMs: ms < 0 ? TIMEOUT_MS : 3_600_000,
      waitMs: random.pick([0, 500]),
      ...(serial !== "" && { serial }),
      ...(key !== "" && { key }),
    };
    try {
      const job = await queue.add(errand, options);
      this.#guard(() => this.book.accept(job));
    } catch (error) {
      if (!REFUSALS.has(codeOf(error) ?? "")) this.#failure ??= error;
    }
  }

  #cancelSome(): void {
    const { random } = this.#world;
    if (this.book.accepted.size === 0) return;
    const id = random.pick([...this.book.accepted]);
    this.#queue?.cancel(id).catch((error: unknown) => {
      const code = codeOf(error) ?? "";
      if (code !== "ERR_JOB_STATE" && !REFUSALS.has(code)) this.#failure ??= error;
    });
  }

  #fillDisk(forMs: number): void {
    if (!this.#isDurable) return;
    this.#isFull = true;
    this.#world.clock.after(forMs, () => {
      this.#isFull = false;
    });
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
