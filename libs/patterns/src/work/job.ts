import type { Headers, WireError } from "@zeroplane/link";

/**
 * Where a job is in its life. `delayed` waits for its time, `ready` for a worker, `held` for an
 * earlier job of its serial key, `suspect` for a worker of its own because workers vanished with it.
 */
export type JobState =
  | "delayed"
  | "ready"
  | "held"
  | "suspect"
  | "leased"
  | "done"
  | "dead"
  | "cancelled";

/** What a job is from its beginning to its end. Times are milliseconds since 1970. */
export interface JobHead {
  readonly id: string;
  /** See {@link AddOptions.key}. */
  readonly key: string | undefined;
  readonly keyTtlMs: number;
  /** See {@link AddOptions.serial}. */
  readonly serial: string | undefined;
  readonly payload: Uint8Array;
  readonly headers: Headers;
  readonly priority: number;
  readonly timeoutMs: number;
  readonly addedAtMs: number;
}

/** One job, as it is now. Its queue changes it in place; who keeps one keeps a {@link copyOf} it. */
export interface JobRecord extends JobHead {
  attemptsMax: number;
  /** Not before. */
  dueAtMs: number;
  /** Lowest goes first: the time it was due, earlier by {@link AGEING_MS} for each level of priority. */
  rank: number;
  /** The how manieth of its store it is: of equal ranks the lower goes first. */
  place: number;
  state: JobState;
  /** Times it was given to a worker. Also the fencing token of the present lease. */
  attempt: number;
  /** Attempts that failed or ran too long, since it was added or retried by hand. */
  failures: number;
  /** Workers that vanished with it. */
  crashes: number;
  /** Who has it, or had it last. */
  worker: string | undefined;
  result: Uint8Array | undefined;
  /** What went wrong, oldest first, at most 10. */
  errors: readonly WireError[];
  finishedAtMs: number | undefined;
}

/** The job as it is now, whatever becomes of it. Written out: many times faster than a spread. */
export const copyOf = (job: JobRecord): JobRecord => ({
  id: job.id,
  key: job.key,
  keyTtlMs: job.keyTtlMs,
  serial: job.serial,
  payload: job.payload,
  headers: job.headers,
  priority: job.priority,
  timeoutMs: job.timeoutMs,
  addedAtMs: job.addedAtMs,
  attemptsMax: job.attemptsMax,
  dueAtMs: job.dueAtMs,
  rank: job.rank,
  place: job.place,
  state: job.state,
  attempt: job.attempt,
  failures: job.failures,
  crashes: job.crashes,
  worker: job.worker,
  result: job.result,
  errors: job.errors,
  finishedAtMs: job.finishedAtMs,
});

/** How a job is added. */
export interface AddOptions {
  /**
   * At most one job has this key until it ends, or, when it is done, until `keyTtlMs` later;
   * adding it again gives the one that is there. At most 255 characters.
   */
  readonly key?: string;
  /** How long the key of a done job is kept, milliseconds (default 0; at most the queue's `keepMs`). */
  readonly keyTtlMs?: number;
  /** Jobs with the same serial key run one after the other, as they were added. At most 255 characters. */
  readonly serial?: string;
  /**
   * -100 to 100 (default 0), higher first: each level counts as {@link AGEING_MS} of waiting, so a
   * job of low priority waits longer but never for ever.
   */
  readonly priority?: number;
  /** Wait this long before the first attempt, milliseconds (default 0, at most 10 years). */
  readonly delayMs?: number;
  /** Attempts that may fail (default 3). A worker that vanishes is counted apart. */
  readonly attemptsMax?: number;
  /** How long one attempt may take, milliseconds (default 1 hour); then it is taken back and has failed. */
  readonly timeoutMs?: number;
}

export const ATTEMPTS_MAX = 3;
export const TIMEOUT_MS = 3_600_000;
export const ERRORS_KEPT = 10;
/** What one level of priority is worth in time waited, milliseconds. */
export const AGEING_MS = 10_000;
export const KEY_CHARACTERS_MAX = 255;
export const PRIORITY_MAX = 100;
export const DELAY_MS_MAX = 10 * 365 * 86_400_000;

/** The place in the queue of what is due then with that priority. */
export const rankOf = (dueAtMs: number, priority: number): number => dueAtMs - priority * AGEING_MS;

/** True when nothing more will happen to a job. */
export const isFinal = ({ state }: Pick<JobRecord, "state">): boolean =>
  state === "done" || state === "dead" || state === "cancelled";
