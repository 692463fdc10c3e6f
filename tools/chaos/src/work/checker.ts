import type { FinalJob } from "./town.ts";

/** What was done to the processes of a run. */
export interface Harm {
  readonly workerKills: number;
  readonly dealerKills: number;
  readonly credit: number;
}

/** What came out of a run. */
export interface Verdict {
  readonly accepted: number;
  readonly done: number;
  readonly dead: number;
  readonly cancelled: number;
  readonly executions: number;
  readonly executionsMax: number;
}

/**
 * Reads the histories against the file.
 * @throws Error when an accepted job is lost or has not ended, a lease began twice, or jobs ran
 *   more often than the harm explains
 */
export function checkRun(
  accepted: ReadonlySet<string>,
  run: { readonly jobs: ReadonlyMap<string, FinalJob>; readonly leases: readonly string[] },
  harm: Harm,
): Verdict {
  const { jobs, leases } = run;
  const counts = { done: 0, dead: 0, cancelled: 0 };
  let failures = 0;
  for (const id of accepted) {
    const job = jobs.get(id);
    if (job === undefined) throw new Error(`job ${id} was accepted and is lost`);
    if (!(job.state in counts)) throw new Error(`job ${id} is ${job.state} in the end`);
  }
  for (const { id, state, failures: failed } of jobs.values()) {
    if (!(state in counts)) throw new Error(`job ${id} is ${state} in the end`);
    counts[state as keyof typeof counts]++;
    failures += failed;
  }
  if (new Set(leases).size !== leases.length) throw new Error("a lease began twice");
  const unknown = leases.find((lease) => !jobs.has(lease.split("/")[0] ?? ""));
  if (unknown !== undefined) throw new Error(`lease ${unknown} is of no job in the file`);
  // A kill of either side may cost each lease of each worker one run.
  const executionsMax = jobs.size + failures + (harm.workerKills + harm.dealerKills) * harm.credit;
  if (leases.length > executionsMax) {
    throw new Error(`${leases.length} executions, ${executionsMax} are explained`);
  }
  return { accepted: accepted.size, ...counts, executions: leases.length, executionsMax };
}
