import type { Headers, WireError } from "@zeroplane/link";

/** Where a job is in its life. `delayed` waits for its time, `ready` for a worker. */
export type JobState = "delayed" | "ready" | "leased" | "done" | "dead" | "cancelled";

/** One job, as the store keeps it. Times are milliseconds since 1970. */
export interface JobRecord {
  readonly id: string;
  /** At most one unfinished job has this key; adding it again gives the one that is there. */
  readonly key: string | undefined;
  readonly payload: Uint8Array;
  readonly headers: Headers;
  /** Higher goes first. */
  readonly priority: number;
  readonly attemptsMax: number;
  readonly addedAtMs: number;
  /** Not before. */
  readonly dueAtMs: number;
  readonly state: JobState;
  /** Times it was given to a worker. Also the fencing token of the present lease. */
  readonly attempt: number;
  /** Workers that vanished with it. */
  readonly crashes: number;
  /** Who has it, or had it last. */
  readonly worker: string | undefined;
  readonly result: Uint8Array | undefined;
  /** What went wrong, oldest first, at most 10. */
  readonly errors: readonly WireError[];
  readonly finishedAtMs: number | undefined;
}

/** How a job is added. */
export interface AddOptions {
  /** See {@link JobRecord.key}. */
  readonly key?: string;
  /** Higher goes first (default 0). */
  readonly priority?: number;
  /** Wait this long before the first attempt, milliseconds (default 0). */
  readonly delayMs?: number;
  /** Attempts in all (default 3). */
  readonly attemptsMax?: number;
}

export const ATTEMPTS_MAX = 3;
export const ERRORS_KEPT = 10;

/** True when nothing more will happen to a job. */
export const isFinal = ({ state }: JobRecord): boolean =>
  state === "done" || state === "dead" || state === "cancelled";
