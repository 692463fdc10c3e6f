import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Random } from "@zeroplane/link/testing";
import { drained } from "./jobs.ts";
import { killed, Town } from "./town.ts";

/** What came of producers that died, and of jobs that were cancelled at every moment. */
export interface RaceReport {
  readonly producers: {
    readonly kills: number;
    readonly accepted: number;
    readonly inFile: number;
  };
  readonly cancels: {
    readonly done: number;
    readonly cancelled: number;
  };
}

const SCRIPT = fileURLToPath(new URL("producer-process.ts", import.meta.url));
const LIFE_MS: readonly [number, number] = [200, 800];
const COUNT = { kills: 5, jobs: 300 };
const CANCEL_MS: readonly [number, number] = [0, 1_500];
const WAIT_MS = 60_000;

/**
 * Kills producers and the dealer between adds, then cancels jobs.
 * @param count producers to kill (default 5), and jobs to cancel (default 300)
 * @throws Error when a promise breaks
 */
export async function chaosRaces(seed: number, count = COUNT): Promise<RaceReport> {
  const random = new Random(seed);
  return {
    producers: await killProducers(random, count.kills),
    cancels: await cancelRaces(random, count.jobs),
  };
}

/** Whatever a producer had an answer for is in the file, and is done. */
async function killProducers(random: Random, kills: number): Promise<RaceReport["producers"]> {
  const folder = mkdtempSync(join(tmpdir(), "zp-producers-"));
  const history = join(folder, "accepted");
  try {
    await using town = await Town.found({ keepMax: 1e9 });
    for (let left = kills; left > 0; left--) {
      const child = fork(SCRIPT, [town.endpoint, history], {
        execArgv: ["-C", "@zeroplane/source"],
      });
      await once(child, "message");
      await sleep(random.between(...LIFE_MS));
      if (random.chance(0.5)) await town.killDealer();
      await killed(child);
    }
    // The last line of a process that was killed may be cut.
    const accepted = readFileSync(history, "utf8").split("\n").slice(0, -1);
    expect(accepted.length > 0, "no job was added");
    expect(new Set(accepted).size === accepted.length, "an id was given twice");
    await town.startWorker("a", 64);
    await drained(town, WAIT_MS);
    const jobs = await town.end();
    const lost = accepted.find((id) => jobs.get(id)?.state !== "done");
    expect(lost === undefined, `job ${lost} was accepted and is ${jobs.get(lost ?? "")?.state}`);
    return { kills, accepted: accepted.length, inFile: jobs.size };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each job is cancelled twice at some moment of its life: all who ask get one and the same end. */
async function cancelRaces(random: Random, count: number): Promise<RaceReport["cancels"]> {
  await using town = await Town.found({ keepMax: 1e9 });
  await town.startWorker("a", 4);
  const lives = Array.from({ length: count }, async (_, number) => {
    const job = await town.producer.add({ number, ms: 10 });
    const ends = [endOf(town, job.id), endOf(town, job.id)];
    await sleep(random.between(...CANCEL_MS));
    const cancels = await Promise.allSettled([
      town.producer.cancel(job.id),
      town.producer.cancel(job.id),
    ]);
    const [first, second] = await Promise.all(ends);
    const state = (await town.producer.get(job.id))?.state;
    expect(first === second && first === state, `${first}, ${second} and ${state} of one job`);
    const took = cancels.filter(({ status }) => status === "fulfilled").length;
    expect(took === (state === "cancelled" ? 1 : 0), `${took} cancels of a job that is ${state}`);
    for (const cancel of cancels) if (cancel.status === "rejected") refused(cancel.reason);
    return job.id;
  });
  const ids = await Promise.all(lives);
  await drained(town, WAIT_MS);
  const runs = town.runs();
  expect(new Set(runs).size === runs.length, "a lease began twice");
  expect(new Set(runs.map((lease) => lease.split("/")[0])).size === runs.length, "a job ran twice");
  const jobs = await town.end();
  const inState = (state: string): number =>
    ids.filter((id) => jobs.get(id)?.state === state).length;
  const ended = { done: inState("done"), cancelled: inState("cancelled") };
  expect(ended.done + ended.cancelled === ids.length, JSON.stringify(ended));
  expect(ended.cancelled > 0, "nothing was cancelled");
  return ended;
}

async function endOf(town: Town, id: string): Promise<string> {
  try {
    await town.producer.result(id, { timeoutMs: WAIT_MS });
    return "done";
  } catch (error) {
    return codeOf(error) === "ERR_JOB_CANCELLED" ? "cancelled" : String(error);
  }
}

function refused(reason: unknown): void {
  expect(codeOf(reason) === "ERR_JOB_STATE", `a cancel failed by ${String(reason)}`);
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}
