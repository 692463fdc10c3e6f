import { isFinal, type JobState } from "../work/job.ts";
import type { JobView } from "../work/view.ts";

/** What a simulated job carries. */
export interface Errand {
  readonly number: number;
  /** Milliseconds it takes; below 0 it never settles. */
  readonly ms: number;
  readonly fails: boolean;
}

type View = JobView<Errand, number>;

function broken(what: string): never {
  throw new Error(what);
}

/** Every job of a simulation: who accepted it, how often it ran, and how it ended. */
export class JobBook {
  readonly #accepted = new Set<string>();
  readonly #runs = new Set<string>();
  readonly #states = new Map<string, JobState>();
  readonly #tokens = new Map<string, number>();
  readonly #leasedOf = new Map<string, string>();
  readonly #byKey = new Map<string, string>();

  /** Jobs that were accepted. */
  get accepted(): ReadonlySet<string> {
    return this.#accepted;
  }

  /** Times that a handler began. */
  get runs(): number {
    return this.#runs.size;
  }

  /** `add` has resolved. */
  accept(job: View): void {
    this.#accepted.add(job.id);
  }

  /** A handler begins. @throws Error when that lease was given twice */
  ran(id: string, token: number): void {
    const lease = `${id}/${token}`;
    if (this.#runs.has(lease)) broken(`job ${lease} runs twice under its token`);
    this.#runs.add(lease);
  }

  /** The queue has made a change safe. */
  changed(job: View): void {
    const { id, state, attempt } = job;
    const before = this.#states.get(id);
    if (before !== undefined && isFinal({ state: before })) {
      broken(`job ${id} is ${state} after it was ${before}`);
    }
    if (state === "leased" && attempt <= (this.#tokens.get(id) ?? 0)) {
      broken(`token ${attempt} of job ${id} does not rise`);
    }
    if (state === "leased") this.#tokens.set(id, attempt);
    if (state === "done") this.#done(job);
    this.#states.set(id, state);
    this.#checkSerial(job);
    this.#checkKey(job);
  }

  /**
   * Nothing goes wrong any more.
   * @throws Error when a job that was accepted has not ended, or ran more often than it may
   */
  check(get: (id: string) => View | undefined, lives: number): void {
    for (const id of this.#accepted) {
      const job = get(id) ?? broken(`job ${id} was accepted and is lost`);
      if (!isFinal(job)) broken(`job ${id} is ${job.state} in the end`);
      const excuses = job.failures + job.crashes + lives;
      if (job.attempt > 1 + excuses) broken(`job ${id} was given out ${job.attempt} times`);
      if (job.state === "dead" && job.failures === 0 && job.crashes < 2) {
        broken(`job ${id} is dead for no reason`);
      }
    }
  }

  #done({ id, attempt, payload, result }: View): void {
    if (!this.#runs.has(`${id}/${attempt}`)) broken(`job ${id} is done and never ran`);
    if (result !== payload.number) broken(`job ${id} has the result of ${String(result)}`);
  }

  #checkSerial({ id, serial, state }: View): void {
    if (serial === undefined) return;
    const running = this.#leasedOf.get(serial);
    if (state === "leased") {
      if (running !== undefined && running !== id) broken(`${id} and ${running} of ${serial} run`);
      this.#leasedOf.set(serial, id);
    } else if (running === id && isFinal({ state })) this.#leasedOf.delete(serial);
  }

  #checkKey({ id, key, state }: View): void {
    if (key === undefined) return;
    const other = this.#byKey.get(key);
    if (other !== undefined && other !== id) broken(`${id} and ${other} have the key ${key}`);
    if (isFinal({ state })) this.#byKey.delete(key);
    else this.#byKey.set(key, id);
  }
}
