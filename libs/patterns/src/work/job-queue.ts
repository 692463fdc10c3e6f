import type { WorkerView } from "./crew.ts";
import type { QueueCounters } from "./effects.ts";
import type { AddOptions, JobState } from "./job.ts";
import type { ScheduleOptions } from "./schedules.ts";
import type { JobCounts, StoreHealth } from "./store.ts";
import type { JobView } from "./view.ts";

/** How long to wait for something. */
export interface WaitOptions {
  /** Milliseconds (default 30 000). */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** How a job is added to a queue. */
export interface QueueAddOptions extends AddOptions {
  /** How long it may wait for room in a full queue, milliseconds (default 0: it is refused at once). */
  readonly waitMs?: number;
}

/** A queue as it is now. */
export interface QueueStats extends QueueCounters, StoreHealth {
  readonly jobs: JobCounts;
  readonly workers: readonly WorkerView[];
  /** Jobs that wait to be added. */
  readonly pending: number;
  /** Turns that could not be made safe and were undone. */
  readonly undone: number;
}

/** A value, or the promise of one from the process that has the queue. */
export type Awaitable<T> = T | Promise<T>;

/** What producers do with a queue, be it in this process (`openQueue`) or not (`connectQueue`). */
export interface JobQueue<Payload, Result> extends AsyncDisposable {
  readonly name: string;
  /**
   * Adds a job; resolves once it is safe in the store.
   * @returns the job, or the one that has the same key
   * @throws PatternError ERR_OVERLOADED when the queue is full, ERR_STORE_FULL or ERR_STORE when
   *   the disk does not take it, ERR_BAD_OPTION, ERR_CLOSED; LinkError ERR_LINK_ENCODE when the
   *   payload cannot travel
   */
  add(payload: Payload, options?: QueueAddOptions): Promise<JobView<Payload, Result>>;
  /** A job by its id, for as long as it is kept. */
  get(id: string): Awaitable<JobView<Payload, Result> | undefined>;
  /** Jobs in one of `states`, newest first, at most `count` (default 100). Dead letters: `["dead"]`. */
  list(states: readonly JobState[], count?: number): Awaitable<JobView<Payload, Result>[]>;
  /**
   * What the job gives, when it has ended.
   * @throws PatternError ERR_JOB_DEAD, ERR_JOB_CANCELLED, ERR_TIMEOUT, ERR_JOB_STATE when it is
   *   not known; the reason of `signal`
   */
  result(id: string, options?: WaitOptions): Promise<Result>;
  /** Ends a job that has not ended; a worker that runs it is told to stop. @throws PatternError ERR_JOB_STATE */
  cancel(id: string): Promise<void>;
  /** Gives a dead job another life. @throws PatternError ERR_JOB_STATE */
  retry(id: string): Promise<void>;
  /** Adds `payload` again and again; one job at a time, one after however long a pause. */
  schedule(name: string, payload: Payload, options: ScheduleOptions): Promise<void>;
  /** @returns false when there was no such schedule */
  unschedule(name: string): Promise<boolean>;
  /** Jobs by state, workers with what they run, and counters. */
  stats(): Awaitable<QueueStats>;
  /** Gives it up: jobs that are safe stay, whoever waits is refused with ERR_CLOSED. */
  close(): Promise<void>;
}
