import { expect, test } from "vitest";
import { checkRun } from "../src/work/checker.ts";
import { chaosJobs } from "../src/work/jobs.ts";
import { chaosRaces } from "../src/work/races.ts";
import type { FinalJob } from "../src/work/town.ts";

test("jobs under kills all end, none twice under a token", { timeout: 60_000 }, async () => {
  const found = await chaosJobs({ seed: 2, count: 2_000 });
  expect(found).toMatchObject({ accepted: 2_000, done: 2_000, dead: 0 });
});

test("accepted jobs outlive their producer, a cancelled job has one end", {
  timeout: 60_000,
}, async () => {
  const { producers, cancels } = await chaosRaces(4, { kills: 2, jobs: 100 });
  expect(producers.inFile).toBeGreaterThanOrEqual(producers.accepted);
  expect(cancels.done + cancels.cancelled).toBe(100);
});

test("the checker notices what must not be", () => {
  const harm = { workerKills: 0, dealerKills: 0, credit: 1 };
  const job = (state: string): FinalJob => ({
    id: "a",
    state,
    attempt: 1,
    failures: 0,
    crashes: 0,
  });
  const run = (jobs: FinalJob[], leases: string[]): (() => unknown) => {
    const byId = new Map(jobs.map((each) => [each.id, each]));
    return () => checkRun(new Set(["a"]), { jobs: byId, leases }, harm);
  };
  expect(run([job("done")], ["a/1"])()).toMatchObject({ done: 1, executions: 1 });
  expect(run([], [])).toThrow(/is lost/);
  expect(run([job("ready")], [])).toThrow(/ready in the end/);
  expect(run([job("done")], ["a/1", "a/1"])).toThrow(/began twice/);
  expect(run([job("done")], ["b/1"])).toThrow(/of no job/);
  expect(run([job("done")], ["a/1", "a/2"])).toThrow(/1 are explained/);
});
