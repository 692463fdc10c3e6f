import type { JobRecord, JobState } from "./job.ts";

/**
 * Where jobs are kept. Synchronous, so that every change of one turn of the event loop is one
 * transaction: `begin`, changes, `commit`. One conformance suite (store.test.ts) for all.
 */
export interface JobStore extends Disposable {
  begin(): void;
  /** Everything since `begin` is safe when this returns. */
  commit(): void;
  get(id: string): JobRecord | undefined;
  /** The unfinished job with that key. */
  byKey(key: string): JobRecord | undefined;
  /** Inserts or replaces. */
  put(job: JobRecord): void;
  /** Jobs that may be given out at `nowMs`: highest priority, then longest due, then oldest. */
  claimable(nowMs: number, count: number): JobRecord[];
  /** When the next delayed job is due, milliseconds since 1970. */
  nextDueAtMs(): number | undefined;
  /** Newest first. */
  list(states: readonly JobState[], count: number): JobRecord[];
  count(): Readonly<Record<JobState, number>>;
  /** Forgets finished jobs that ended before `beforeMs`. */
  forget(beforeMs: number): number;
}

export const EMPTY_COUNT: Readonly<Record<JobState, number>> = {
  delayed: 0,
  ready: 0,
  leased: 0,
  done: 0,
  dead: 0,
  cancelled: 0,
};

/** Keeps jobs in memory: they survive every worker, but not this process. */
export class MemoryStore implements JobStore {
  readonly #jobs = new Map<string, JobRecord>();
  readonly #keys = new Map<string, string>();

  begin(): void {
    // Memory is always consistent between turns.
  }

  commit(): void {
    // Nothing outlives the process anyway.
  }

  get(id: string): JobRecord | undefined {
    return this.#jobs.get(id);
  }

  byKey(key: string): JobRecord | undefined {
    const id = this.#keys.get(key);
    return id === undefined ? undefined : this.#jobs.get(id);
  }

  put(job: JobRecord): void {
    this.#jobs.set(job.id, job);
    if (job.key === undefined) return;
    if (job.finishedAtMs === undefined) this.#keys.set(job.key, job.id);
    else if (this.#keys.get(job.key) === job.id) this.#keys.delete(job.key);
  }

  claimable(nowMs: number, count: number): JobRecord[] {
    const waiting = this.#all(["ready", "delayed"]).filter(({ dueAtMs }) => dueAtMs <= nowMs);
    return waiting.sort(byUrgency).slice(0, count);
  }

  nextDueAtMs(): number | undefined {
    const due = this.#all(["delayed"]).map(({ dueAtMs }) => dueAtMs);
    return due.length === 0 ? undefined : Math.min(...due);
  }

  list(states: readonly JobState[], count: number): JobRecord[] {
    return this.#all(states).reverse().slice(0, count);
  }

  count(): Readonly<Record<JobState, number>> {
    const counts = { ...EMPTY_COUNT };
    for (const { state } of this.#jobs.values()) counts[state]++;
    return counts;
  }

  forget(beforeMs: number): number {
    let forgotten = 0;
    for (const { id, finishedAtMs } of this.#jobs.values()) {
      if (finishedAtMs === undefined || finishedAtMs >= beforeMs) continue;
      this.#jobs.delete(id);
      forgotten++;
    }
    return forgotten;
  }

  [Symbol.dispose](): void {
    this.#jobs.clear();
  }

  #all(states: readonly JobState[]): JobRecord[] {
    return [...this.#jobs.values()].filter(({ state }) => states.includes(state));
  }
}

function byUrgency(a: JobRecord, b: JobRecord): number {
  return b.priority - a.priority || a.dueAtMs - b.dueAtMs || a.addedAtMs - b.addedAtMs;
}
