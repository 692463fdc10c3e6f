import type { JobRecord, JobState } from "./job.ts";

/** A job that comes again and again. */
export interface ScheduleRecord {
  readonly name: string;
  readonly everyMs: number;
  /** When it comes next, milliseconds since 1970. */
  readonly nextAtMs: number;
  readonly payload: Uint8Array;
  /** Options of each job, encoded. */
  readonly options: Uint8Array;
}

/** How many jobs are in each state. */
export type JobCounts = Readonly<Record<JobState, number>>;

/** What a store cannot give back any more, and what it has to spare. */
export interface StoreHealth {
  /** Records whose bytes are not those that were written: put aside and left out. */
  readonly quarantined: number;
  /** True while the disk is so full that only what frees jobs may be written. */
  readonly isFull: boolean;
}

/**
 * Where jobs are kept. A record that was inserted, claimed or got is changed in place by its one
 * user, who then says so by `update`. Synchronous, so that every change of one turn of the event loop is one
 * transaction: `begin`, changes, `commit`. One conformance suite (store.test.ts) for all.
 * Everything that writes throws PatternError ERR_STORE_FULL or ERR_STORE; then all since `begin`
 * is undone.
 */
export interface JobStore extends Disposable {
  begin(): void;
  /** Everything since `begin` is safe when this returns. */
  commit(): void;
  /** Everything since `begin` has not happened. */
  rollback(): void;
  get(id: string): JobRecord | undefined;
  /** The newest job that was added with that key. */
  byKey(key: string): JobRecord | undefined;
  /** Takes a new job, and gives it its `place`. */
  insert(job: JobRecord): void;
  /** What may change of a job that is there has changed; its state was `from`. */
  update(job: JobRecord, from: JobState): void;
  /**
   * Takes at most `count` jobs of that state off the queue, lowest rank first, then as they were
   * inserted; the caller updates each.
   */
  claim(state: "ready" | "suspect", count: number): JobRecord[];
  /** Delayed jobs that are due at `nowMs`, at most `count`; the caller updates each. */
  due(nowMs: number, count: number): JobRecord[];
  /** True when a job with that serial key has not ended. */
  hasSerial(serial: string): boolean;
  /** The oldest held job with that serial key. */
  nextHeld(serial: string): JobRecord | undefined;
  /** Newest first. */
  list(states: readonly JobState[], count: number): JobRecord[];
  count(): JobCounts;
  /** When the newest job was added, milliseconds since 1970; 0 without one. */
  newestMs(): number;
  /** Forgets jobs that ended before `beforeMs`, and the oldest beyond `keepMax`; some at a time. */
  forget(beforeMs: number, keepMax: number): number;
  schedules(): ScheduleRecord[];
  putSchedule(schedule: ScheduleRecord): void;
  /** @returns false when there was none */
  dropSchedule(name: string): boolean;
  health(): StoreHealth;
}

export const EMPTY_COUNT: JobCounts = {
  delayed: 0,
  ready: 0,
  held: 0,
  suspect: 0,
  leased: 0,
  done: 0,
  dead: 0,
  cancelled: 0,
};

/** How many jobs have ended. */
export const endedOf = ({ done, dead, cancelled }: JobCounts): number => done + dead + cancelled;

/** Ended jobs that one call of `forget` removes at most. */
export const FORGET_MAX = 5_000;
