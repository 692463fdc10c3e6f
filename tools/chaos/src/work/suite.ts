import { setTimeout as sleep } from "node:timers/promises";
import type { Errand } from "./errand.ts";
import { chaosJobs, drained } from "./jobs.ts";
import { Town } from "./town.ts";

type Case = (town: Town) => Promise<void>;

const OPTIONS = { graceMs: 500, backoff: { firstMs: 100 } };
const WAIT_MS = 30_000;
const STOP_MS = 5_000;
const BLOCK_MS = 3_000;
const DRAIN_JOBS = 40;

function expect(holds: boolean, what: string): void {
  if (!holds) throw new Error(what);
}

async function add(town: Town, errand: Omit<Errand, "number">, attemptsMax = 3): Promise<string> {
  return (await town.producer.add({ number: 1, ...errand }, { attemptsMax })).id;
}

/** Waits until a worker has begun the job. */
async function begun(town: Town, id: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (!town.runs().some((lease) => lease.startsWith(`${id}/`))) {
    expect(performance.now() < deadline, `job ${id} does not begin`);
    await sleep(10);
  }
}

/** The fault cases of jobs that are about what processes do; the others are in the simulator and unit tests. */
const CASES: Readonly<Record<string, Case>> = {
  "a worker that stands still loses its job, and its late word is refused": async (town) => {
    const first = await town.startWorker("a");
    const id = await add(town, { ms: 1_000 });
    await begun(town, id);
    first.kill("SIGSTOP");
    await town.startWorker("b");
    const result = await town.producer.result(id, { timeoutMs: WAIT_MS });
    await sleep(STOP_MS);
    first.kill("SIGCONT");
    await add(town, {}); // It is there again, and has said its word.
    await sleep(1_500);
    const job = await town.producer.get(id);
    expect(result === 1 && job?.attempt === 2, `attempt ${job?.attempt} gave ${result}`);
    expect((await town.producer.stats()).late >= 1, "the late outcome was not counted");
  },
  "a worker whose loop is blocked keeps its job": async (town) => {
    await town.startWorker("a");
    await town.startWorker("b");
    const id = await add(town, { blockMs: BLOCK_MS });
    await town.producer.result(id, { timeoutMs: WAIT_MS });
    const job = await town.producer.get(id);
    expect(job?.attempt === 1, `it ran ${job?.attempt} times`);
  },
  "a job that kills its worker is dead after two, the others are done": async (town) => {
    for (const name of ["a", "b"]) reviving(town, await town.startWorker(name, 4), name);
    const poison = await add(town, { kills: "abort" });
    const exits = await add(town, { kills: "exit" });
    for (let i = 0; i < 50; i++) await add(town, {});
    await drained(town, WAIT_MS);
    const { jobs } = await town.producer.stats();
    expect(jobs.dead === 2 && jobs.done === 50, JSON.stringify(jobs));
    for (const id of [poison, exits]) {
      const job = await town.producer.get(id);
      expect(job?.crashes === 2, `${id} killed ${job?.crashes} workers`);
      expect(job?.errors.at(-1)?.code === "ERR_JOB_LOST", "the history does not say why");
    }
  },
  "a job that throws is tried again and is dead in the end, and may be given another life": async (
    town,
  ) => {
    await town.startWorker("a");
    const id = await add(town, { throws: true }, 2);
    const error = await town.producer.result(id, { timeoutMs: WAIT_MS }).catch(String);
    expect(String(error).includes("as it was asked to"), String(error));
    await town.producer.retry(id);
    await drained(town, WAIT_MS);
    expect((await town.producer.get(id))?.attempt === 5, "another life has no three attempts");
  },
  "a worker that is stopped gives back what it has not begun, and finishes the rest": async (
    town,
  ) => {
    const first = await town.startWorker("a", 8);
    const ids: string[] = [];
    for (let i = 0; i < DRAIN_JOBS; i++) ids.push(await add(town, { ms: 200 }));
    first.kill("SIGTERM");
    await town.startWorker("b", 8);
    await drained(town, WAIT_MS);
    const { jobs, crashed } = await town.producer.stats();
    expect(jobs.done === DRAIN_JOBS && crashed === 0, JSON.stringify({ jobs, crashed }));
    expect(town.runs().length === DRAIN_JOBS, `${town.runs().length} runs of ${DRAIN_JOBS} jobs`);
  },
  "without a worker the queue grows to its bound and says so, and is emptied when one comes":
    async (town) => {
      const adds = Array.from({ length: 120 }, async () => await add(town, {}).catch(codeOf));
      const refused = (await Promise.all(adds)).filter((code) => code === "ERR_OVERLOADED");
      expect(refused.length === 20, `${refused.length} of 20 were refused`);
      const waits = town.producer.add({ number: 1 }, { waitMs: WAIT_MS });
      await town.startWorker("a", 8);
      await waits;
      await drained(town, WAIT_MS);
      expect((await town.producer.stats()).jobs.done === 101, "not all were done");
    },
};

/** `npm run chaos -- work`: each case with processes of its own, then jobs under kills. */
export async function chaosWork(options: {
  readonly seed: number;
  readonly count: number | undefined;
}): Promise<object> {
  const seconds: Record<string, number> = {};
  for (const [name, run] of Object.entries(CASES)) {
    const startMs = performance.now();
    await using town = await Town.found({ ...OPTIONS, backlogMax: 100 });
    try {
      await run(town);
    } catch (error) {
      throw new Error(`${name}: ${String(error)}`, { cause: error });
    }
    seconds[name] = Math.round((performance.now() - startMs) / 100) / 10;
  }
  return { seed: options.seed, seconds, jobs: await chaosJobs(options) };
}

/** Starts it again whenever it ends. */
function reviving(town: Town, child: Awaited<ReturnType<Town["startWorker"]>>, name: string): void {
  child.once("exit", () => {
    if (town.isOver) return;
    void town.startWorker(name, 4).then((next) => reviving(town, next, name));
  });
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code;
