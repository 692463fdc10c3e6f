import type { Headers, WireError } from "@zeroplane/link";
import { type Backoff, delayAfter } from "../backoff.ts";
import { PatternError } from "../errors.ts";
import { type AddOptions, ATTEMPTS_MAX, ERRORS_KEPT, isFinal, type JobRecord } from "./job.ts";
import type { JobStore } from "./store.ts";

/** Settings of a queue. */
export interface QueueSettings {
  readonly backoff: Backoff;
  /** How long a worker that lost its line keeps its jobs, milliseconds. */
  readonly graceMs: number;
  /** A job that made this many workers vanish is dead. */
  readonly crashesMax: number;
  /** How long finished jobs are kept, milliseconds. */
  readonly keepMs: number;
}

/** What the queue asks of the world. */
export interface QueueEffects {
  /** Gives the job to the worker. */
  give(worker: string, job: JobRecord): void;
  /** Tells the worker to stop: nobody wants that lease any more. */
  revoke(worker: string, id: string, token: number): void;
  changed(job: JobRecord): void;
  newId(): string;
}

/** A job to be added. */
export interface NewJob extends AddOptions {
  readonly payload: Uint8Array;
  readonly headers: Headers;
}

interface Worker {
  /** Jobs it wants to run at a time. */
  credit: number;
  readonly leases: Map<string, number>;
  /** When its line was lost, or `undefined` while it is there. */
  lostAtMs: number | undefined;
}

const CLAIM_MAX = 256;

/**
 * At-least-once jobs as a pure state machine over a store. A lease belongs to a worker; its token
 * is the attempt's number, so that the word of a worker that was given up is refused.
 *
 *     delayed → ready → leased → done | delayed (retry) | dead | cancelled
 */
export class WorkCore {
  readonly #store: JobStore;
  readonly #settings: QueueSettings;
  readonly #effects: QueueEffects;
  readonly #workers = new Map<string, Worker>();
  /** Leases of an earlier life of this process, until their workers say hello. */
  #orphans = new Map<string, number>();
  #orphansUntilMs = 0;
  late = 0;

  constructor(store: JobStore, settings: QueueSettings, effects: QueueEffects) {
    this.#store = store;
    this.#settings = settings;
    this.#effects = effects;
  }

  /** Takes up what an earlier process left. */
  open(nowMs: number): void {
    for (const job of this.#store.list(["leased"], Number.MAX_SAFE_INTEGER)) {
      this.#orphans.set(job.id, job.attempt);
    }
    this.#orphansUntilMs = nowMs + this.#settings.graceMs;
  }

  /** @returns the new job, or the unfinished one that has its key */
  add(job: NewJob, nowMs: number): JobRecord {
    const twin = job.key === undefined ? undefined : this.#store.byKey(job.key);
    if (twin !== undefined) return twin;
    const { delayMs = 0 } = job;
    const record: JobRecord = {
      id: this.#effects.newId(),
      key: job.key,
      payload: job.payload,
      headers: job.headers,
      priority: job.priority ?? 0,
      attemptsMax: job.attemptsMax ?? ATTEMPTS_MAX,
      addedAtMs: nowMs,
      dueAtMs: nowMs + delayMs,
      state: delayMs > 0 ? "delayed" : "ready",
      attempt: 0,
      crashes: 0,
      worker: undefined,
      result: undefined,
      errors: [],
      finishedAtMs: undefined,
    };
    this.#save(record);
    this.#assign(nowMs);
    return record;
  }

  /**
   * A worker wants to run `credit` jobs at a time, and says which ones it is running. One that has
   * begun anew (`fresh`) has lost whatever else it was given.
   */
  ready(
    name: string,
    offer: { credit: number; running: readonly [string, number][]; fresh?: boolean },
    nowMs: number,
  ): void {
    const worker = this.#workers.get(name) ?? { credit: 0, leases: new Map(), lostAtMs: undefined };
    this.#workers.set(name, worker);
    worker.credit = offer.credit;
    worker.lostAtMs = undefined;
    const given = offer.fresh === true ? [...worker.leases] : [];
    for (const [id, token] of offer.running) this.#adopt(name, worker, { id, token });
    const running = new Set(offer.running.map(([id]) => id));
    for (const [id, token] of given) {
      if (running.has(id)) continue;
      worker.leases.delete(id);
      this.#crashed(id, token, nowMs);
    }
    this.#assign(nowMs);
  }

  /** @returns false when the lease was given up: the result is refused and counted as late */
  done(id: string, token: number, result: Uint8Array, nowMs: number): boolean {
    const job = this.#leased(id, token);
    if (job === undefined) return this.#repeated(id, token, "done");
    this.#release(job);
    this.#save({ ...job, state: "done", result, finishedAtMs: nowMs });
    this.#assign(nowMs);
    return true;
  }

  /** @returns false when the lease was given up */
  failed(id: string, token: number, error: WireError, nowMs: number): boolean {
    const job = this.#leased(id, token);
    if (job === undefined) return this.#repeated(id, token, "dead");
    this.#release(job);
    this.#again(job, { error, nowMs, final: error.retryable === false });
    this.#assign(nowMs);
    return true;
  }

  /** @returns the cancelled job. @throws PatternError ERR_JOB_STATE when it has ended */
  cancel(id: string, nowMs: number): JobRecord {
    const job = this.#store.get(id);
    if (job === undefined || isFinal(job)) {
      throw new PatternError("ERR_JOB_STATE", `job ${id} is ${job?.state ?? "not known"}`);
    }
    const { worker } = job;
    if (job.state === "leased" && worker !== undefined) {
      this.#release(job);
      this.#effects.revoke(worker, id, job.attempt);
    }
    const cancelled: JobRecord = { ...job, state: "cancelled", finishedAtMs: nowMs };
    this.#save(cancelled);
    return cancelled;
  }

  /** Gives a dead job another life. @throws PatternError ERR_JOB_STATE when it is not dead */
  retry(id: string, nowMs: number): void {
    const job = this.#store.get(id);
    if (job?.state !== "dead") {
      throw new PatternError(
        "ERR_JOB_STATE",
        `job ${id} is ${job?.state ?? "not known"}, not dead`,
      );
    }
    const attemptsMax = job.attempt + ATTEMPTS_MAX;
    this.#save({
      ...job,
      state: "ready",
      dueAtMs: nowMs,
      attemptsMax,
      crashes: 0,
      finishedAtMs: undefined,
    });
    this.#assign(nowMs);
  }

  /** The line of a worker is away: it keeps its leases for the grace time. */
  lost(name: string, nowMs: number): void {
    const worker = this.#workers.get(name);
    if (worker !== undefined) worker.lostAtMs ??= nowMs;
  }

  /** A worker is gone for good: its jobs go to others. */
  gone(name: string, nowMs: number): void {
    const worker = this.#workers.get(name);
    if (worker === undefined) return;
    this.#workers.delete(name);
    for (const [id, token] of worker.leases) this.#crashed(id, token, nowMs);
    this.#assign(nowMs);
  }

  /** Gives up on those who stayed away, gives out what has become due, forgets what is old. */
  tick(nowMs: number): void {
    const { graceMs, keepMs } = this.#settings;
    for (const [name, { lostAtMs }] of this.#workers) {
      if (lostAtMs !== undefined && nowMs - lostAtMs >= graceMs) this.gone(name, nowMs);
    }
    if (this.#orphans.size > 0 && nowMs >= this.#orphansUntilMs) {
      for (const [id, token] of this.#orphans) this.#crashed(id, token, nowMs);
      this.#orphans = new Map();
    }
    this.#store.forget(nowMs - keepMs);
    this.#assign(nowMs);
  }

  /** Workers, with what they run and would take more. */
  workers(): { name: string; running: number; credit: number; up: boolean }[] {
    return [...this.#workers].map(([name, { credit, leases, lostAtMs }]) => ({
      name,
      running: leases.size,
      credit,
      up: lostAtMs === undefined,
    }));
  }

  #assign(nowMs: number): void {
    let free = 0;
    for (const worker of this.#workers.values()) free += freeOf(worker);
    if (free === 0) return;
    for (const job of this.#store.claimable(nowMs, Math.min(free, CLAIM_MAX))) {
      const [name, worker] = this.#idlest() ?? [];
      if (name === undefined || worker === undefined) return;
      const leased: JobRecord = { ...job, state: "leased", attempt: job.attempt + 1, worker: name };
      worker.leases.set(job.id, leased.attempt);
      this.#save(leased);
      this.#effects.give(name, leased);
    }
  }

  /** The worker that is least busy for what it takes. */
  #idlest(): [string, Worker] | undefined {
    let best: [string, Worker] | undefined;
    for (const entry of this.#workers) {
      if (freeOf(entry[1]) === 0) continue;
      if (best === undefined || freeOf(entry[1]) > freeOf(best[1])) best = entry;
    }
    return best;
  }

  #adopt(name: string, worker: Worker, { id, token }: { id: string; token: number }): void {
    const job = this.#store.get(id);
    const isHis = job?.state === "leased" && job.attempt === token;
    if (!isHis || (job.worker !== name && !this.#orphans.has(id))) {
      worker.leases.delete(id);
      this.#effects.revoke(name, id, token);
      return;
    }
    this.#orphans.delete(id);
    worker.leases.set(id, token);
  }

  #leased(id: string, token: number): JobRecord | undefined {
    const job = this.#store.get(id);
    return job?.state === "leased" && job.attempt === token ? job : undefined;
  }

  #release({ id, worker }: JobRecord): void {
    this.#orphans.delete(id);
    if (worker !== undefined) this.#workers.get(worker)?.leases.delete(id);
  }

  #crashed(id: string, token: number, nowMs: number): void {
    const job = this.#leased(id, token);
    if (job === undefined) return;
    const crashes = job.crashes + 1;
    const error = lostError(job);
    this.#again({ ...job, crashes }, { error, nowMs, final: crashes >= this.#settings.crashesMax });
  }

  #again(job: JobRecord, why: { error: WireError; nowMs: number; final: boolean }): void {
    const errors = [...job.errors, why.error].slice(-ERRORS_KEPT);
    if (why.final || job.attempt >= job.attemptsMax) {
      this.#save({ ...job, errors, state: "dead", finishedAtMs: why.nowMs });
      return;
    }
    // A vanished worker says nothing against the job: it may go on at once.
    const crashed = why.error.code === "ERR_JOB_LOST";
    const waitMs = crashed ? 0 : delayAfter(job.attempt, this.#settings.backoff);
    this.#save({ ...job, errors, state: "delayed", dueAtMs: why.nowMs + waitMs });
  }

  /** A worker says an outcome until it hears that it is safe: only a lost lease makes it late. */
  #repeated(id: string, token: number, state: JobRecord["state"]): boolean {
    const job = this.#store.get(id);
    if (job?.state === state && job.attempt === token) return true;
    this.late++;
    return false;
  }

  #save(job: JobRecord): void {
    this.#store.put(job);
    this.#effects.changed(job);
  }
}

const freeOf = ({ credit, leases, lostAtMs }: Worker): number =>
  lostAtMs === undefined ? Math.max(0, credit - leases.size) : 0;

function lostError({ worker, attempt }: JobRecord): WireError {
  const message = `worker ${worker ?? "?"} vanished during attempt ${attempt}`;
  return { name: "PatternError", code: "ERR_JOB_LOST", message, retryable: true, hops: [] };
}
