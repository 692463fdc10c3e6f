import { setTimeout as sleep } from "node:timers/promises";
import { type DialKeys, KeyPair } from "@zeroplane/link";
import { Random } from "@zeroplane/link/testing";
import { startWorker, type Worker } from "@zeroplane/patterns";
import { FaultProxy } from "../fault-proxy.ts";
import { type Errand, QUEUE } from "./errand.ts";
import { drained } from "./jobs.ts";
import { Town } from "./town.ts";

/** What happened to the line of a worker, and what it ran. */
export interface LineReport {
  readonly seconds: number;
  readonly connections: number;
  readonly runs: number;
  /** Chunks with a flipped bit, and bytes that vanished. */
  readonly corrupted: number;
  readonly swallowed: number;
}

interface Line {
  readonly proxy: FaultProxy;
  readonly random: Random;
}

const JOBS = 300;
const JOB_MS = 20;
const CREDIT = 4;
const CUTS = 20;
/** Far longer than a fault that is to pass unseen, far shorter than one that is not. */
const PATIENT_MS = 20_000;
const HASTY_MS = 500;
const DRAINED_MS = 60_000;

/** A worker behind a line that misbehaves; the dealer is a process of its own. */
class LineWorker implements AsyncDisposable {
  /** Every lease that began here, as `id/token`. */
  readonly runs: string[] = [];
  readonly #worker: Worker<Errand, number>;

  constructor(endpoint: string, name: string, keys: DialKeys | undefined) {
    const run = async (
      errand: Errand,
      { id, attempt }: { readonly id: string; readonly attempt: number },
    ): Promise<number> => {
      this.runs.push(`${id}/${attempt}`);
      await sleep(errand.ms);
      return errand.number;
    };
    const options = { name, node: name, credit: CREDIT, drainMs: 0, keys };
    this.#worker = startWorker<Errand, number>(endpoint, QUEUE, run, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.close();
  }
}

/** A short fault: within the grace time of the queue nothing runs twice. */
const SHORT: Readonly<Record<string, (line: Line) => Promise<void>>> = {
  "a line that is reset every 100 ms": async ({ proxy, random }) => {
    for (let left = CUTS; left > 0; left--) {
      await sleep(random.between(50, 150));
      proxy.cut();
    }
  },
  "a line that is silent for half a second": async ({ proxy }) => await silent(proxy, 500),
  "a line that is silent for three seconds": async ({ proxy }) => await silent(proxy, 3_000),
  "a line that only lets the dealer speak": async ({ proxy }) => {
    proxy.halfOpen("toTarget");
    await sleep(3_000);
  },
  "a line that only lets the worker speak": async ({ proxy }) => {
    proxy.halfOpen("toClient");
    await sleep(3_000);
  },
  "a line that flips bits": async ({ proxy }) => {
    proxy.set({ corruption: 0.2 });
    await sleep(3_000);
  },
};

/** Plays each fault of a line while jobs run. @throws Error when one is lost or runs more than it may */
export async function chaosLines(seed: number): Promise<Record<string, LineReport>> {
  const reports: Record<string, LineReport> = {};
  for (const [name, play] of Object.entries(SHORT)) {
    reports[name] = await named(name, () => passesUnseen(seed, play));
  }
  const name = "a line that is silent for longer than the queue waits";
  reports[name] = await named(name, () => movesJobs(seed));
  return reports;
}

/** With keys a flipped bit is noticed, and the line begins anew; TCP alone hands it on. */
async function passesUnseen(
  seed: number,
  play: (line: Line) => Promise<void>,
): Promise<LineReport> {
  const startMs = performance.now();
  const key = KeyPair.random();
  const secret = [key.publicKey, key.reveal()] as const;
  await using town = await Town.found({ graceMs: PATIENT_MS, secret });
  await using proxy = await FaultProxy.open({ target: town.endpoint, seed });
  await using worker = new LineWorker(proxy.endpoint, "a", town.keys);
  const ids = await addAll(town);
  await play({ proxy, random: new Random(seed) });
  const { cut, corrupted, swallowed } = proxy.stats();
  expect(cut + corrupted + swallowed > 0, "the line did no harm");
  await proxy.heal();
  await drained(town, DRAINED_MS);
  for (const [number, id] of ids.entries()) {
    const job = await town.producer.get(id);
    expect(job?.state === "done" && job.attempt === 1, `job ${number} is ${text(job)}`);
    expect(job?.result === number, `job ${number} gave ${job?.result}`);
  }
  expect(worker.runs.length === JOBS, `${worker.runs.length} runs of ${JOBS} jobs`);
  return report(startMs, proxy, worker.runs.length);
}

/** Leases of a worker behind a dead line go to another; its own word, when it is back, comes late. */
async function movesJobs(seed: number): Promise<LineReport> {
  const startMs = performance.now();
  await using town = await Town.found({ graceMs: HASTY_MS });
  await using proxy = await FaultProxy.open({ target: town.endpoint, seed });
  await using cutOff = new LineWorker(proxy.endpoint, "a", undefined);
  const ids = await addAll(town, 200);
  while (cutOff.runs.length < CREDIT) await sleep(5);
  proxy.halfOpen("both");
  await using near = new LineWorker(town.endpoint, "b", undefined);
  await drained(town, DRAINED_MS);
  const moved = cutOff.runs.filter((lease) => near.runs.includes(nextLease(lease)));
  expect(moved.length > 0, "no lease has moved");
  await proxy.heal();
  for (const [number, id] of ids.entries()) {
    const job = await town.producer.get(id);
    expect(job?.state === "done" && job.result === number, `job ${number} is ${text(job)}`);
  }
  const runs = [...cutOff.runs, ...near.runs];
  expect(new Set(runs).size === runs.length, "a lease began twice");
  expect(runs.length <= JOBS + CREDIT, `${runs.length} runs of ${JOBS} jobs`);
  return report(startMs, proxy, runs.length);
}

async function silent(proxy: FaultProxy, ms: number): Promise<void> {
  proxy.halfOpen("both");
  await sleep(ms);
}

async function addAll(town: Town, ms = JOB_MS): Promise<string[]> {
  const adds = Array.from({ length: JOBS }, (_, number) => town.producer.add({ number, ms }));
  return (await Promise.all(adds)).map(({ id }) => id);
}

function nextLease(lease: string): string {
  const [id, token] = lease.split("/");
  return `${id}/${Number(token) + 1}`;
}

function report(startMs: number, proxy: FaultProxy, runs: number): LineReport {
  const seconds = Math.round((performance.now() - startMs) / 100) / 10;
  const { connections, corrupted, swallowed } = proxy.stats();
  return { seconds, connections, corrupted, swallowed, runs };
}

async function named<T>(name: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw new Error(`${name}: ${String(error)}`, { cause: error });
  }
}

const text = (job: object | undefined): string => JSON.stringify(job);

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
