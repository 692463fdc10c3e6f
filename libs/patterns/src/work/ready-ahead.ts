import { Heap, isBefore, type Rank } from "../heap.ts";
import type { JobRecord } from "./job.ts";

/** Jobs of one reading, and their bytes, at most. */
export const AHEAD_JOBS = 4_096;
export const AHEAD_BYTES = 16 * 1024 * 1024;

/** Ready jobs as they were read, in their order. */
export interface Reading {
  readonly jobs: readonly JobRecord[];
  /** True when there are no more. */
  readonly isAll: boolean;
}

const NOTHING: Rank = { rank: Number.NEGATIVE_INFINITY, place: 0 };

/**
 * The ready jobs of a store on disk that go first, as records in memory: in a queue that is not far
 * behind no job is read back. At most twice what one reading has.
 */
export class ReadyAhead {
  #heap = new Heap<JobRecord>();
  readonly #byId = new Map<string, JobRecord>();
  /** What stands before this is here; without it everything is. */
  #end: Rank | undefined = NOTHING;
  #bytes = 0;

  get(id: string): JobRecord | undefined {
    return this.#byId.get(id);
  }

  /** A job has become ready. */
  add(job: JobRecord): void {
    if (this.#end !== undefined && !isBefore(job, this.#end)) return;
    this.#put(job);
    if (this.#byId.size > 2 * AHEAD_JOBS || this.#bytes > 2 * AHEAD_BYTES) this.#cut();
  }

  /** A job is not ready any more. */
  delete({ id, payload }: JobRecord): void {
    if (this.#byId.delete(id)) this.#bytes -= payload.length;
  }

  /** Takes those that go first off. @param read gives what stands at `from` and behind it */
  take(count: number, read: (from: Rank) => Reading): JobRecord[] {
    const taken: JobRecord[] = [];
    while (taken.length < count) {
      const entry = this.#heap.pop();
      if (entry !== undefined) {
        const { item: job, rank } = entry;
        const isStale = job.rank !== rank || this.#byId.get(job.id) !== job;
        if (isStale) continue;
        this.delete(job);
        taken.push(job);
      } else if (this.#end === undefined) break;
      else this.#fill(read(this.#end));
    }
    return taken;
  }

  /** Nothing that is known holds. */
  clear(): void {
    this.#heap.clear();
    this.#byId.clear();
    this.#bytes = 0;
    this.#end = NOTHING;
  }

  #fill({ jobs, isAll }: Reading): void {
    const last = jobs.at(-1);
    this.#end =
      isAll || last === undefined ? undefined : { rank: last.rank, place: last.place + 1 };
    for (const job of jobs) this.#put(job);
  }

  #put(job: JobRecord): void {
    this.#heap.push({ rank: job.rank, place: job.place, item: job });
    if (!this.#byId.has(job.id)) this.#bytes += job.payload.length;
    this.#byId.set(job.id, job);
  }

  /** Lets go of those that go last. */
  #cut(): void {
    const old = this.#heap;
    this.#heap = new Heap();
    const known = new Map(this.#byId);
    this.#byId.clear();
    this.#bytes = 0;
    for (let entry = old.pop(); entry !== undefined; entry = old.pop()) {
      const { item: job, rank } = entry;
      if (job.rank !== rank || known.get(job.id) !== job) continue;
      if (this.#byId.size >= AHEAD_JOBS || this.#bytes >= AHEAD_BYTES) {
        this.#end = { rank, place: job.place };
        return;
      }
      this.#put(job);
    }
  }
}
