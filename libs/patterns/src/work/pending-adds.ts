import { PatternError } from "../errors.ts";
import type { JobRecord } from "./job.ts";

/** A job that is to be added. */
export interface NewJob {
  readonly job: JobRecord;
  /** True when it may have been added before, by another process that had no answer. */
  readonly again: boolean;
  /** How long it may wait for room, milliseconds; 0 to be refused at once. */
  readonly waitMs: number;
}

interface Pending extends Omit<NewJob, "waitMs"> {
  /** Told of the job once it is safe; the queue changes it later. */
  readonly safe: (job: JobRecord) => void;
  readonly reject: (error: unknown) => void;
  /** Until when it may wait for room, by `performance.now()`. */
  readonly untilMs: number;
  /** The job, or the one that was there. */
  added: JobRecord | undefined;
}

/** Jobs that one turn adds at most: the loop must not stand still for long. */
const TURN_MAX = 1_000;
/** Jobs that wait to be added, at most. */
const WAITING_MAX = 200_000;

/** Jobs on their way into the store. */
export class PendingAdds {
  readonly #queue: string;
  #waiting: Pending[] = [];
  #taken: Pending[] = [];

  /** @param queue name of the queue, for errors */
  constructor(queue: string) {
    this.#queue = queue;
  }

  get size(): number {
    return this.#waiting.length;
  }

  /**
   * Resolves once the job is safe, with what `as` makes of it: the queue goes on to change it.
   * @throws PatternError ERR_OVERLOADED
   */
  push<T>(fresh: NewJob, as: (job: JobRecord) => T): Promise<T> {
    if (this.#waiting.length >= WAITING_MAX) {
      const message = `queue ${this.#queue}: ${WAITING_MAX} jobs wait to be added already`;
      return Promise.reject(new PatternError("ERR_OVERLOADED", message));
    }
    const { job, again, waitMs } = fresh;
    const untilMs = waitMs > 0 ? performance.now() + waitMs : 0;
    return new Promise((resolve, reject) => {
      const safe = (added: JobRecord): void => resolve(as(added));
      this.#waiting.push({ job, again, safe, reject, untilMs, added: undefined });
    });
  }

  /**
   * Adds what there is room for by `add`; refuses the rest, or lets it wait as it wishes.
   * @returns true when more could be added at once
   */
  take(room: number, add: (job: JobRecord, again: boolean) => JobRecord): boolean {
    const count = Math.min(this.#waiting.length, Math.max(0, room), TURN_MAX);
    // Before the first is added: when that fails, all of them have failed.
    this.#taken.push(...this.#waiting.splice(0, count));
    for (const each of this.#taken) each.added ??= add(each.job, each.again);
    if (this.#waiting.length === 0 || count === TURN_MAX) return this.#waiting.length > 0;
    this.refuse(performance.now());
    return false;
  }

  /** What may not wait any longer for room is refused. */
  refuse(nowMs: number): void {
    if (this.#waiting.length === 0) return;
    const still: Pending[] = [];
    for (const pending of this.#waiting) {
      if (pending.untilMs > nowMs) still.push(pending);
      else pending.reject(new PatternError("ERR_OVERLOADED", `queue ${this.#queue} is full`));
    }
    this.#waiting = still;
  }

  /** What was taken is safe. */
  safe(): void {
    const taken = this.#taken;
    this.#taken = [];
    for (const { added, safe } of taken) if (added !== undefined) safe(added);
  }

  /** What was taken is not, or, at the end, nothing will be any more. */
  fail(error: unknown, all = false): void {
    const failed = this.#taken;
    this.#taken = [];
    if (all) failed.push(...this.#waiting.splice(0));
    for (const { reject } of failed) reject(error);
  }
}
