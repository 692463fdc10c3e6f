import type { WireError } from "@zeroplane/link";
import { delayAfter } from "../backoff.ts";
import { PatternError, type PatternErrorCode } from "../errors.ts";
import { Crew, type Member, type WorkerView } from "./crew.ts";
import {
  ATTEMPTS_MAX,
  ERRORS_KEPT,
  isFinal,
  type JobRecord,
  type JobState,
  rankOf,
} from "./job.ts";
import { Leases } from "./leases.ts";
import { type NewJob, newRecord } from "./new-job.ts";
import type { QueueSettings } from "./settings.ts";
import type { JobStore } from "./store.ts";

/** What the queue asks of the world. */
export interface QueueEffects {
  /** Gives the job to the worker. */
  give(worker: string, job: JobRecord): void;
  /** Tells the worker to stop: nobody wants that lease any more. */
  revoke(worker: string, id: string, token: number, code: PatternErrorCode): void;
  changed(job: JobRecord): void;
}

/** What a worker says when it is ready. */
export interface Offer {
  /** Jobs it wants to run at a time. */
  readonly credit: number;
  /** What it runs, with tokens. */
  readonly running: readonly (readonly [id: string, token: number])[];
  /** True when it has begun anew: it has lost whatever else it was given. */
  readonly fresh?: boolean;
}

/** Things that happened, since the queue was opened. */
export interface QueueCounters {
  /** Jobs given to workers. */
  executions: number;
  /** Outcomes refused because the lease was given up before they came. */
  late: number;
  /** Leases that ended because their worker vanished. */
  crashed: number;
  /** Leases taken back because the job ran too long. */
  timedOut: number;
}

/** Changes of state that one turn makes at most, of each kind. */
const TURN_MAX = 1_000;

interface Ending {
  readonly state: "done" | "dead" | "cancelled";
  readonly nowMs: number;
  readonly result?: Uint8Array;
}

/**
 * At-least-once jobs as a pure state machine over a store. A lease belongs to a worker; its token
 * is the attempt's number, so that the word of a worker that was given up is refused. Nothing is
 * given out before `assign`, which the shell calls once a turn.
 *
 *     delayed → ready → leased → done | delayed (retry) | suspect (crash) | dead | cancelled
 */
export class WorkCore {
  readonly counters: QueueCounters = { executions: 0, late: 0, crashed: 0, timedOut: 0 };
  readonly #store: JobStore;
  readonly #settings: QueueSettings;
  readonly #effects: QueueEffects;
  readonly #crew = new Crew();
  #leases = new Leases();

  constructor(store: JobStore, settings: QueueSettings, effects: QueueEffects) {
    this.#store = store;
    this.#settings = settings;
    this.#effects = effects;
  }

  /** Takes up what the store has, after a start or a turn that was lost: workers must say ready. */
  open(nowMs: number): void {
    this.#crew.clear();
    this.#leases = new Leases();
    for (const job of this.#store.list(["leased"], Number.MAX_SAFE_INTEGER)) {
      this.#leases.orphan(job, nowMs + this.#settings.graceMs);
    }
  }

  /** @returns the new job, or the one that has its id or its key */
  add(job: NewJob, nowMs: number): JobRecord {
    const same = job.again === true ? this.#store.get(job.id) : undefined;
    const twin = same ?? this.#twin(job.key, nowMs);
    if (twin !== undefined) return twin;
    const isHeld = job.serial !== undefined && this.#store.hasSerial(job.serial);
    const record = newRecord(job, nowMs, isHeld);
    this.#store.insert(record);
    this.#effects.changed(record);
    return record;
  }

  /** A worker says what it wants and what it runs. */
  ready(name: string, offer: Offer, nowMs: number): void {
    const before = this.#crew.get(name);
    const given = offer.fresh === true ? [...(before?.leases ?? [])] : [];
    const worker = this.#crew.join(name, offer.credit);
    for (const [id, token] of offer.running) this.#adopt(worker, { id, token }, nowMs);
    const running = new Set(offer.running.map(([id, token]) => `${id}/${token}`));
    const lost = given.filter(([id, token]) => !running.has(`${id}/${token}`));
    for (const [id, token] of lost) this.#crashed(id, token, { nowMs, alone: given.length === 1 });
  }

  /** @returns false when the lease was given up: the result is refused and counted as late */
  done(id: string, token: number, result: Uint8Array, nowMs: number): boolean {
    const job = this.#leases.job(id, token);
    if (job === undefined) return this.#repeated(id, token, ["done"]);
    this.#end(job, { state: "done", result, nowMs });
    return true;
  }

  /** @returns false when the lease was given up */
  failed(id: string, token: number, error: WireError, nowMs: number): boolean {
    const job = this.#leases.job(id, token);
    if (job === undefined) return this.#repeated(id, token, ["dead", "delayed"]);
    this.#again(job, error, nowMs);
    return true;
  }

  /** A worker that stops gives back what it has not done: that says nothing against the job. */
  released(id: string, token: number): boolean {
    const job = this.#leases.job(id, token);
    if (job === undefined) return this.#repeated(id, token, ["ready"]);
    this.#release(job);
    this.#change(job, { state: "ready" });
    return true;
  }

  /** @returns the cancelled job. @throws PatternError ERR_JOB_STATE when it has ended */
  cancel(id: string, nowMs: number): JobRecord {
    const job = this.#store.get(id);
    if (job === undefined || isFinal(job)) throw wrongState(id, job);
    if (job.state === "leased" && job.worker !== undefined) {
      this.#effects.revoke(job.worker, id, job.attempt, "ERR_JOB_CANCELLED");
    }
    return this.#end(job, { state: "cancelled", nowMs });
  }

  /** Gives a dead job another life, with its history. @throws PatternError ERR_JOB_STATE when it is not dead */
  retry(id: string, nowMs: number): JobRecord {
    const job = this.#store.get(id);
    if (job?.state !== "dead") throw wrongState(id, job, "dead");
    const isHeld = job.serial !== undefined && this.#store.hasSerial(job.serial);
    const attemptsMax = Math.max(job.attemptsMax, ATTEMPTS_MAX);
    const life = { attemptsMax, failures: 0, crashes: 0, finishedAtMs: undefined };
    const place = { dueAtMs: nowMs, rank: rankOf(nowMs, job.priority) };
    return this.#change(job, { ...life, ...place, state: isHeld ? "held" : "ready" });
  }

  /** The line of a worker is there, but its loop says nothing: it keeps its jobs and gets no more. */
  stalled(name: string): void {
    const worker = this.#crew.get(name);
    if (worker?.state === "up") worker.state = "stalled";
  }

  /** The loop of a stalled worker speaks again. */
  revived(name: string): void {
    const worker = this.#crew.get(name);
    if (worker !== undefined) worker.state = "up";
  }

  /** The line of a worker is away: it keeps its leases for the grace time. */
  lost(name: string, nowMs: number): void {
    const worker = this.#crew.get(name);
    if (worker === undefined || worker.state === "lost") return;
    worker.state = "lost";
    worker.lostAtMs = nowMs;
  }

  /** A worker is gone for good: its jobs go to others. */
  gone(name: string, nowMs: number): void {
    const leases = [...(this.#crew.get(name)?.leases ?? [])];
    this.#crew.delete(name);
    for (const [id, token] of leases)
      this.#crashed(id, token, { nowMs, alone: leases.length === 1 });
  }

  /** Gives up on those who stayed away or ran too long, moves what has become due, forgets what is old. */
  tick(nowMs: number): void {
    const { graceMs, keepMs, keepMax } = this.#settings;
    for (const { name, state, lostAtMs } of this.#crew) {
      if (state === "lost" && nowMs - lostAtMs >= graceMs) this.gone(name, nowMs);
    }
    for (const { job, isOrphan } of this.#leases.expired(nowMs)) {
      if (isOrphan) this.#orphaned(job);
      else this.#timedOut(job, nowMs);
    }
    this.#store.forget(nowMs - keepMs, keepMax);
  }

  /** Gives what is due to who has room, first those whom workers vanished with, one worker each. */
  assign(nowMs: number): void {
    for (const job of this.#store.due(nowMs, TURN_MAX)) this.#change(job, { state: "ready" });
    const counts = this.#store.count();
    for (let left = Math.min(counts.suspect, TURN_MAX); left > 0; left--) {
      const worker = this.#crew.idle();
      const [job] = worker === undefined ? [] : this.#store.claim("suspect", 1);
      if (worker === undefined || job === undefined) break;
      this.#lease(job, worker, nowMs);
    }
    const room = Math.min(counts.ready, this.#crew.free(), TURN_MAX);
    if (room <= 0) return;
    for (const job of this.#store.claim("ready", room)) {
      const worker = this.#crew.roomiest();
      if (worker !== undefined) this.#lease(job, worker, nowMs);
    }
  }

  /** Workers, with what they run and would take more. */
  workers(): WorkerView[] {
    return this.#crew.view();
  }

  /** The running job of that id and token. */
  running(id: string, token: number): JobRecord | undefined {
    return this.#leases.job(id, token);
  }

  #twin(key: string | undefined, nowMs: number): JobRecord | undefined {
    const job = key === undefined ? undefined : this.#store.byKey(key);
    if (job === undefined || !isFinal(job)) return job;
    const isKept = job.state === "done" && nowMs < (job.finishedAtMs ?? 0) + job.keyTtlMs;
    return isKept ? job : undefined;
  }

  #lease(job: JobRecord, { name, leases }: Member, nowMs: number): void {
    const leased = this.#change(job, { state: "leased", attempt: job.attempt + 1, worker: name });
    leases.set(job.id, leased.attempt);
    this.#leases.add(leased, nowMs + job.timeoutMs);
    this.counters.executions++;
    this.#effects.give(name, leased);
  }

  #adopt(worker: Member, { id, token }: { id: string; token: number }, nowMs: number): void {
    const job = this.#leases.job(id, token);
    if (job === undefined || (job.worker !== worker.name && !this.#leases.isOrphan(id))) {
      // He may have been given it again, under a token that he does not say yet.
      if (worker.leases.get(id) === token) worker.leases.delete(id);
      this.#effects.revoke(worker.name, id, token, "ERR_JOB_LOST");
      return;
    }
    this.#leases.adopted(id, worker.name, nowMs);
    worker.leases.set(id, token);
  }

  #release({ id, worker }: JobRecord): void {
    this.#leases.delete(id);
    if (worker !== undefined) this.#crew.released(worker, id);
  }

  /** This process ended, and nobody says that he runs it: nothing is said against the job. */
  #orphaned(job: JobRecord): void {
    this.#release(job);
    this.#change(job, { state: "ready" });
  }

  #timedOut(job: JobRecord, nowMs: number): void {
    this.counters.timedOut++;
    if (job.worker !== undefined)
      this.#effects.revoke(job.worker, job.id, job.attempt, "ERR_JOB_TIMEOUT");
    const message = `attempt ${job.attempt} ran longer than ${job.timeoutMs} ms`;
    this.#again(job, problem("ERR_JOB_TIMEOUT", message), nowMs);
  }

  #crashed(id: string, token: number, how: { nowMs: number; alone: boolean }): void {
    const job = this.#leases.job(id, token);
    if (job === undefined) return;
    this.counters.crashed++;
    this.#release(job);
    const crashes = job.crashes + 1;
    const message = `worker ${job.worker ?? "?"} vanished during attempt ${job.attempt}`;
    const errors = [...job.errors, problem("ERR_JOB_LOST", message)].slice(-ERRORS_KEPT);
    const after = { ...job, crashes, errors };
    // One that ran beside others may be innocent: it is tried alone before it is given up.
    if (how.alone && crashes >= this.#settings.crashesMax)
      this.#end(after, { state: "dead", nowMs: how.nowMs });
    else
      this.#change(after, {
        state: crashes >= this.#settings.crashesMax - 1 ? "suspect" : "ready",
      });
  }

  #again(job: JobRecord, error: WireError, nowMs: number): void {
    this.#release(job);
    const failures = job.failures + 1;
    const after = { ...job, failures, errors: [...job.errors, error].slice(-ERRORS_KEPT) };
    if (error.retryable === false || failures >= job.attemptsMax) {
      this.#end(after, { state: "dead", nowMs });
      return;
    }
    const dueAtMs = nowMs + delayAfter(failures, this.#settings.backoff);
    this.#change(after, { state: "delayed", dueAtMs, rank: rankOf(dueAtMs, job.priority) });
  }

  #end(job: JobRecord, { state, result, nowMs }: Ending): JobRecord {
    if (job.state === "leased") this.#release(job);
    const ended = this.#change(job, { state, result, finishedAtMs: nowMs });
    if (job.serial === undefined || job.state === "held") return ended;
    const next = this.#store.nextHeld(job.serial);
    if (next !== undefined) {
      this.#change(next, { state: next.dueAtMs > nowMs ? "delayed" : "ready" });
    }
    return ended;
  }

  /** A worker says an outcome until it hears that it is safe: only a lost lease makes it late. */
  #repeated(id: string, token: number, states: readonly JobState[]): boolean {
    const job = this.#store.get(id);
    if (job?.attempt === token && states.includes(job.state)) return true;
    this.counters.late++;
    return false;
  }

  #change(job: JobRecord, change: Partial<JobRecord>): JobRecord {
    const changed = { ...job, ...change };
    this.#store.update(changed, job.state);
    this.#effects.changed(changed);
    return changed;
  }
}

function problem(code: PatternErrorCode, message: string): WireError {
  return { name: "PatternError", code, message, retryable: true, hops: [] };
}

function wrongState(id: string, job: JobRecord | undefined, wanted?: JobState): PatternError {
  const but = wanted === undefined ? "" : `, not ${wanted}`;
  return new PatternError("ERR_JOB_STATE", `job ${id} is ${job?.state ?? "not known"}${but}`);
}
