import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "@zeroplane/link/testing";
import { checkRun, type Verdict } from "./checker.ts";
import { Town } from "./town.ts";

const COUNT = 20_000;
const WORKERS = ["a", "b"];
const CREDIT = 64;
const IN_FLIGHT = 1_000;
const DEALER_KILLS = 0.2;
const KILL_MS: readonly [number, number] = [200, 800];
/** Kills from outside are no fault of a job: it takes many of them to bury it. */
const CRASHES_MAX = 20;
const STUCK_MS = 60_000;

/**
 * `npm run chaos -- jobs [--count N]`: a worker or the dealer is killed every 200 to 800 ms while N
 * jobs (default 20 000) are added from another process, until every one of them has ended.
 */
export async function chaosJobs(options: {
  readonly seed: number;
  readonly count: number | undefined;
}): Promise<object> {
  const { seed, count = COUNT } = options;
  await using town = await Town.found({ keepMax: 1e9, graceMs: 500, crashesMax: CRASHES_MAX });
  for (const name of WORKERS) await town.startWorker(name, CREDIT);
  const startMs = performance.now();
  const nemesis = new KillNemesis(town, new Random(seed));
  const harm = nemesis.run();
  const accepted = await addAll(town, count);
  await drained(town);
  nemesis.stop();
  const { workerKills, dealerKills } = await harm;
  await drained(town);
  const seconds = (performance.now() - startMs) / 1_000;
  const credit = CREDIT * WORKERS.length;
  const run = { jobs: await town.end(), leases: town.runs() };
  const verdict: Verdict = checkRun(accepted, run, { workerKills, dealerKills, credit });
  const openMsMax = Math.max(...town.openMs);
  return {
    seed,
    ...verdict,
    workerKills,
    dealerKills,
    openMsMax,
    seconds: Math.round(seconds),
    perSecond: Math.round(count / seconds),
  };
}

class KillNemesis {
  readonly #town: Town;
  readonly #random: Random;
  #stopped = false;

  constructor(town: Town, random: Random) {
    this.#town = town;
    this.#random = random;
  }

  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<{ workerKills: number; dealerKills: number }> {
    const kills = { workerKills: 0, dealerKills: 0 };
    while (!this.#stopped) {
      await sleep(this.#random.between(...KILL_MS));
      if (this.#random.chance(DEALER_KILLS)) {
        kills.dealerKills++;
        await this.#town.killDealer();
      } else {
        kills.workerKills++;
        await this.#town.killWorker(this.#random.pick(WORKERS), CREDIT);
      }
    }
    return kills;
  }
}

/** Adds `count` jobs, so many at a time. What is not accepted is added again as another job. */
async function addAll(town: Town, count: number): Promise<Set<string>> {
  const accepted = new Set<string>();
  let number = 0;
  const lane = async (): Promise<void> => {
    while (number < count) {
      const job = await town.producer.add({ number: number++ });
      accepted.add(job.id);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return accepted;
}

/** Waits until nothing is left to do, as long as fewer are left every `stuckMs`. */
export async function drained(town: Town, stuckMs = STUCK_MS): Promise<void> {
  let fewest = Number.POSITIVE_INFINITY;
  let deadline = performance.now() + stuckMs;
  for (;;) {
    const { jobs } = await town.producer.stats();
    const left = jobs.ready + jobs.delayed + jobs.held + jobs.suspect + jobs.leased;
    if (left === 0) return;
    if (left < fewest) {
      fewest = left;
      deadline = performance.now() + stuckMs;
    }
    if (performance.now() > deadline) {
      throw new Error(`${left} jobs are left after ${stuckMs} ms: ${JSON.stringify(jobs)}`);
    }
    await sleep(100);
  }
}
