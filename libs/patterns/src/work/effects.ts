import type { PatternErrorCode } from "../errors.ts";
import type { JobRecord } from "./job.ts";

/** What the queue asks of the world. */
export interface QueueEffects {
  /** Gives the job, under the token that it has now, to the worker. */
  give(worker: string, job: JobRecord): void;
  /** Tells the worker to stop: nobody wants that lease any more. */
  revoke(worker: string, id: string, token: number, code: PatternErrorCode): void;
  /** The job is as it is now; it will be changed again. */
  changed(job: JobRecord): void;
}

/** What a worker says when it is ready. */
export interface Offer {
  /** Jobs it wants to run at a time. */
  readonly credit: number;
  /** What it runs, with tokens. */
  readonly running: readonly (readonly [id: string, token: number])[];
  /** True when it has begun anew: it has lost whatever else it was given. */
  readonly fresh?: boolean;
}

/** Things that happened, since the queue was opened. */
export interface QueueCounters {
  /** Jobs given to workers. */
  executions: number;
  /** Outcomes refused because the lease was given up before they came. */
  late: number;
  /** Leases that ended because their worker vanished. */
  crashed: number;
  /** Leases taken back because the job ran too long. */
  timedOut: number;
}
