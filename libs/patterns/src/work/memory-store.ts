import { Heap } from "../heap.ts";
import { Fifo } from "./fifo.ts";
import { isFinal, type JobRecord, type JobState } from "./job.ts";
import {
  EMPTY_COUNT,
  endedOf,
  FORGET_MAX,
  type JobCounts,
  type JobStore,
  type ScheduleRecord,
  type StoreHealth,
} from "./store.ts";

interface End {
  readonly job: JobRecord;
  readonly atMs: number | undefined;
}

/** Keeps jobs in memory: they survive every worker, but not this process. */
export class MemoryStore implements JobStore {
  readonly #jobs = new Map<string, JobRecord>();
  readonly #keys = new Map<string, string>();
  /** Unfinished jobs of each serial key, oldest first. */
  readonly #serials = new Map<string, Set<string>>();
  /** Jobs in the order in which they ended; one that was retried since is there again, or no more. */
  readonly #ended = new Fifo<End>();
  readonly #queues = {
    ready: new Heap<JobRecord>(),
    suspect: new Heap<JobRecord>(),
    delayed: new Heap<JobRecord>(),
  };
  readonly #schedules = new Map<string, ScheduleRecord>();
  readonly #counts = { ...EMPTY_COUNT };
  #newestMs = 0;
  #place = 0;

  begin(): void {
    // Nothing outlives the process, and nothing here fails half way.
  }

  commit(): void {
    // See `begin`.
  }

  rollback(): void {
    // See `begin`.
  }

  get(id: string): JobRecord | undefined {
    return this.#jobs.get(id);
  }

  byKey(key: string): JobRecord | undefined {
    const id = this.#keys.get(key);
    return id === undefined ? undefined : this.#jobs.get(id);
  }

  insert(job: JobRecord): void {
    this.#newestMs = Math.max(this.#newestMs, job.addedAtMs);
    if (job.key !== undefined) this.#keys.set(job.key, job.id);
    this.#counts[job.state]++;
    job.place = this.#place++;
    this.#jobs.set(job.id, job);
    this.#index(job);
  }

  update(job: JobRecord, from: JobState): void {
    this.#counts[from]--;
    this.#counts[job.state]++;
    this.#index(job);
  }

  claim(state: "ready" | "suspect", count: number): JobRecord[] {
    return this.#take(state, count, Number.POSITIVE_INFINITY);
  }

  due(nowMs: number, count: number): JobRecord[] {
    return this.#take("delayed", count, nowMs);
  }

  hasSerial(serial: string): boolean {
    return this.#serials.has(serial);
  }

  nextHeld(serial: string): JobRecord | undefined {
    for (const id of this.#serials.get(serial) ?? []) {
      const job = this.#jobs.get(id);
      if (job?.state === "held") return job;
    }
    return undefined;
  }

  list(states: readonly JobState[], count: number): JobRecord[] {
    const found = [...this.#jobs.values()].filter(({ state }) => states.includes(state));
    return found.reverse().slice(0, count);
  }

  count(): JobCounts {
    return { ...this.#counts };
  }

  newestMs(): number {
    return this.#newestMs;
  }

  forget(beforeMs: number, keepMax: number): number {
    let forgotten = 0;
    for (; forgotten < FORGET_MAX; forgotten++) {
      const job = this.#oldest();
      if (job === undefined) break;
      if ((job.finishedAtMs ?? 0) >= beforeMs && endedOf(this.#counts) <= keepMax) break;
      this.#drop(job);
    }
    return forgotten;
  }

  schedules(): ScheduleRecord[] {
    return [...this.#schedules.values()];
  }

  putSchedule(schedule: ScheduleRecord): void {
    this.#schedules.set(schedule.name, schedule);
  }

  dropSchedule(name: string): boolean {
    return this.#schedules.delete(name);
  }

  health(): StoreHealth {
    return { quarantined: 0, isFull: false };
  }

  [Symbol.dispose](): void {
    this.clear();
  }

  /** Forgets every job. */
  protected clear(): void {
    const { ready, suspect, delayed } = this.#queues;
    for (const each of [this.#jobs, this.#keys, this.#serials, this.#ended]) each.clear();
    for (const each of [ready, suspect, delayed]) each.clear();
    Object.assign(this.#counts, EMPTY_COUNT);
  }

  /** The job that ended first. */
  #oldest(): JobRecord | undefined {
    for (;;) {
      const end = this.#ended.peek();
      if (end === undefined) return undefined;
      const { job, atMs } = end;
      if (job.finishedAtMs === atMs && this.#jobs.get(job.id) === job) return job;
      this.#ended.shift();
    }
  }

  #drop({ id, state, key }: JobRecord): void {
    this.#jobs.delete(id);
    this.#counts[state]--;
    if (key !== undefined && this.#keys.get(key) === id) this.#keys.delete(key);
  }

  #index(job: JobRecord): void {
    const { place, state, serial } = job;
    if (isFinal(job)) this.#ended.push({ job, atMs: job.finishedAtMs });
    if (serial !== undefined) this.#indexSerial(job, serial);
    if (state === "delayed") this.#queues.delayed.push({ rank: job.dueAtMs, place, item: job });
    else if (state === "ready" || state === "suspect") {
      this.#queues[state].push({ rank: job.rank, place, item: job });
    }
  }

  #indexSerial(job: JobRecord, serial: string): void {
    const ids = this.#serials.get(serial) ?? new Set<string>();
    if (isFinal(job)) ids.delete(job.id);
    else ids.add(job.id);
    if (ids.size === 0) this.#serials.delete(serial);
    else this.#serials.set(serial, ids);
  }

  /** An entry of a job that has moved on since is skipped. */
  #take(state: "ready" | "suspect" | "delayed", count: number, rankMax: number): JobRecord[] {
    const queue = this.#queues[state];
    const taken: JobRecord[] = [];
    while (taken.length < count) {
      const first = queue.peek();
      if (first === undefined || first.rank > rankMax) break;
      queue.pop();
      const job = first.item;
      const rank = state === "delayed" ? job.dueAtMs : job.rank;
      const isStale = job.state !== state || rank !== first.rank || job === taken.at(-1);
      if (!isStale) taken.push(job);
    }
    return taken;
  }
}
