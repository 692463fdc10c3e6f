import type { WireError } from "@zeroplane/link";
import { delayAfter } from "../backoff.ts";
import { Crew, type Member, tokensOf, type WorkerView } from "./crew.ts";
import type { Offer, QueueCounters, QueueEffects } from "./effects.ts";
import { note, problem, wrongState } from "./faults.ts";
import { ATTEMPTS_MAX, isFinal, type JobRecord, type JobState, rankOf } from "./job.ts";
import { Leases } from "./leases.ts";
import type { QueueSettings } from "./settings.ts";
import { endedOf, type JobCounts, type JobStore } from "./store.ts";

/** Changes of state that one turn makes at most, of each kind. */
const TURN_MAX = 1_000;
/** Ended jobs beyond those that are kept before a turn forgets them. */
const FORGET_MIN = 512;

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

  /**
   * @param again true when it may have been added before
   * @returns the new job, or the one that has its id or its key
   */
  add(job: JobRecord, nowMs: number, again = false): JobRecord {
    const same = again ? this.find(job.id) : undefined;
    const twin = same ?? this.#twin(job.key, nowMs);
    if (twin !== undefined) return twin;
    if (job.serial !== undefined && this.#store.hasSerial(job.serial)) job.state = "held";
    this.#store.insert(job);
    this.#effects.changed(job);
    return job;
  }

  /** A worker says what it wants and what it runs. */
  ready(name: string, offer: Offer, nowMs: number): void {
    const before = this.#crew.get(name);
    const given = offer.fresh === true ? tokensOf(before) : [];
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
    job.result = result;
    this.#end(job, "done", nowMs);
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
    this.#move(job, "ready");
    return true;
  }

  /** @returns the cancelled job. @throws PatternError ERR_JOB_STATE when it has ended */
  cancel(id: string, nowMs: number): JobRecord {
    const job = this.find(id);
    if (job === undefined || isFinal(job)) throw wrongState(id, job);
    if (job.state === "leased" && job.worker !== undefined) {
      this.#effects.revoke(job.worker, id, job.attempt, "ERR_JOB_CANCELLED");
    }
    this.#end(job, "cancelled", nowMs);
    return job;
  }

  /** Gives a dead job another life, with its history. @throws PatternError ERR_JOB_STATE when it is not dead */
  retry(id: string, nowMs: number): JobRecord {
    const job = this.#store.get(id);
    if (job?.state !== "dead") throw wrongState(id, job, "dead");
    const isHeld = job.serial !== undefined && this.#store.hasSerial(job.serial);
    job.attemptsMax = Math.max(job.attemptsMax, ATTEMPTS_MAX);
    job.failures = 0;
    job.crashes = 0;
    job.finishedAtMs = undefined;
    this.#due(job, nowMs);
    this.#move(job, isHeld ? "held" : "ready");
    return job;
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
    const leases = tokensOf(this.#crew.get(name));
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
    for (const job of this.#store.due(nowMs, TURN_MAX)) this.#move(job, "ready");
    const counts = this.#store.count();
    this.#forget(counts, nowMs);
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

  /** The job of that id, as it is now: to be read, and not kept. */
  find(id: string): JobRecord | undefined {
    return this.#leases.find(id) ?? this.#store.get(id);
  }

  /** Most jobs are young when they may go: those that end in great number do not wait for a tick. */
  #forget(counts: JobCounts, nowMs: number): void {
    const { keepMs, keepMax } = this.#settings;
    if (endedOf(counts) >= keepMax + FORGET_MIN) this.#store.forget(nowMs - keepMs, keepMax);
  }

  #twin(key: string | undefined, nowMs: number): JobRecord | undefined {
    const job = key === undefined ? undefined : this.#store.byKey(key);
    if (job === undefined || !isFinal(job)) return job;
    const isKept = job.state === "done" && nowMs < (job.finishedAtMs ?? 0) + job.keyTtlMs;
    return isKept ? job : undefined;
  }

  #lease(job: JobRecord, { name, leases }: Member, nowMs: number): void {
    job.attempt++;
    job.worker = name;
    this.#move(job, "leased");
    leases.add(job);
    this.#leases.add(job, nowMs + job.timeoutMs);
    this.counters.executions++;
    this.#effects.give(name, job);
  }

  #adopt(worker: Member, { id, token }: { id: string; token: number }, nowMs: number): void {
    const job = this.#leases.job(id, token);
    if (job === undefined || (job.worker !== worker.name && !this.#leases.isOrphan(id))) {
      // He may have been given it again, under a token that he does not say yet.
      for (const each of worker.leases) {
        if (each.id === id && each.attempt === token) worker.leases.delete(each);
      }
      this.#effects.revoke(worker.name, id, token, "ERR_JOB_LOST");
      return;
    }
    this.#leases.adopted(id, worker.name, nowMs);
    worker.leases.add(job);
  }

  #release(job: JobRecord): void {
    this.#leases.delete(job.id);
    if (job.worker !== undefined) this.#crew.released(job.worker, job);
  }

  /** This process ended, and nobody says that he runs it: nothing is said against the job. */
  #orphaned(job: JobRecord): void {
    this.#release(job);
    this.#move(job, "ready");
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
    job.crashes++;
    const message = `worker ${job.worker ?? "?"} vanished during attempt ${job.attempt}`;
    note(job, problem("ERR_JOB_LOST", message));
    const { crashesMax } = this.#settings;
    // One that ran beside others may be innocent: it is tried alone before it is given up.
    if (how.alone && job.crashes >= crashesMax) this.#end(job, "dead", how.nowMs);
    else this.#move(job, job.crashes >= crashesMax - 1 ? "suspect" : "ready");
  }

  #again(job: JobRecord, error: WireError, nowMs: number): void {
    this.#release(job);
    job.failures++;
    note(job, error);
    if (error.retryable === false || job.failures >= job.attemptsMax) {
      this.#end(job, "dead", nowMs);
      return;
    }
    this.#due(job, nowMs + delayAfter(job.failures, this.#settings.backoff));
    this.#move(job, "delayed");
  }

  #end(job: JobRecord, state: "done" | "dead" | "cancelled", nowMs: number): void {
    const before = job.state;
    if (before === "leased") this.#release(job);
    job.finishedAtMs = nowMs;
    this.#move(job, state);
    if (job.serial === undefined || before === "held") return;
    const next = this.#store.nextHeld(job.serial);
    if (next !== undefined) this.#move(next, next.dueAtMs > nowMs ? "delayed" : "ready");
  }

  #due(job: JobRecord, dueAtMs: number): void {
    job.dueAtMs = dueAtMs;
    job.rank = rankOf(dueAtMs, job.priority);
  }

  /** A worker says an outcome until it hears that it is safe: only a lost lease makes it late. */
  #repeated(id: string, token: number, states: readonly JobState[]): boolean {
    const job = this.find(id);
    if (job?.attempt === token && states.includes(job.state)) return true;
    this.counters.late++;
    return false;
  }

  #move(job: JobRecord, state: JobState): void {
    const from = job.state;
    job.state = state;
    this.#store.update(job, from);
    this.#effects.changed(job);
  }
}
