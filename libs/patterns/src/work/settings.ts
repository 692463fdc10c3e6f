import { BACKOFF, type Backoff } from "../backoff.ts";

/** Settings of a queue. */
export interface QueueSettings {
  /** Wait between attempts (default 1 s, doubled up to 60 s). */
  readonly backoff: Backoff;
  /** How long a worker that lost its line keeps its jobs, milliseconds (default 2 000). */
  readonly graceMs: number;
  /** A job that made this many workers vanish, the last one while it ran alone, is dead (default 2). */
  readonly crashesMax: number;
  /** How long jobs that have ended are kept with their results, milliseconds (default 24 hours). */
  readonly keepMs: number;
  /** How many jobs that have ended are kept; the oldest go first (default 100 000). */
  readonly keepMax: number;
  /** Jobs that have not ended; one more has to wait or is refused (default 2 000 000). */
  readonly backlogMax: number;
}

export const QUEUE_DEFAULTS: QueueSettings = {
  backoff: BACKOFF,
  graceMs: 2_000,
  crashesMax: 2,
  keepMs: 24 * 3_600_000,
  keepMax: 100_000,
  backlogMax: 2_000_000,
};
