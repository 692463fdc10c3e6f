import {
  compose,
  encode,
  type Headers,
  type Interceptor,
  intercept,
  type Listener,
  type Operation,
} from "@zeroplane/link";
import { BACKOFF } from "../backoff.ts";
import { PatternError } from "../errors.ts";
import { offer } from "../names.ts";
import { VERB_WORK } from "../verbs.ts";
import { WorkCore } from "./core.ts";
import { Dispatch } from "./dispatch.ts";
import { Endings } from "./endings.ts";
import { Ids } from "./ids.ts";
import { copyOf, isFinal, type JobRecord, type JobState } from "./job.ts";
import type { JobQueue, QueueAddOptions, QueueStats, WaitOptions } from "./job-queue.ts";
import { MemoryStore } from "./memory-store.ts";
import { checkOptions, NO_OPTIONS, newRecord, within } from "./new-job.ts";
import { PendingAdds } from "./pending-adds.ts";
import type { ProducerAddOptions, ServedQueue } from "./producers.ts";
import { BODY_BYTES_MAX } from "./protocol.ts";
import type { QueueGround, QueueOptions } from "./queue-options.ts";
import { type ScheduleOptions, Schedules } from "./schedules.ts";
import { QUEUE_DEFAULTS, type QueueSettings } from "./settings.ts";
import { SqliteStore } from "./sqlite-store.ts";
import type { JobStore } from "./store.ts";
import { Turn } from "./turn.ts";
import { TurnNews } from "./turn-news.ts";
import { type JobView, resultOf, viewOf } from "./view.ts";
import { WorkDesk } from "./work-desk.ts";

const TICK_MS = 100;
const BODY_BYTES = [0, BODY_BYTES_MAX] as const;
const NO_HEADERS: Headers = Object.freeze({});

/**
 * A queue of jobs that lives beside its producer; workers dial it. What `add` has resolved is
 * done, dead or cancelled in the end, whatever dies meanwhile; a job may run more than once.
 */
export class Queue<Payload, Result> implements JobQueue<Payload, Result> {
  readonly name: string;
  readonly #settings: QueueSettings;
  readonly #options: QueueOptions<Payload, Result>;
  readonly #interceptor: Interceptor | undefined;
  readonly #store: JobStore;
  readonly #core: WorkCore;
  readonly #turn: Turn;
  readonly #adds: PendingAdds;
  readonly #schedules: Schedules;
  readonly #desk: WorkDesk;
  readonly #endings = new Endings<JobRecord>();
  readonly #news: TurnNews<Payload, Result>;
  readonly #ids: Ids;
  readonly #withdraw: () => void;
  readonly #timer: NodeJS.Timeout;
  readonly #startMs: number;
  #safe: PromiseWithResolvers<void> | undefined;
  #undone = 0;
  #closed = false;

  /** Use {@link openQueue}. */
  constructor(
    name: string,
    listener: Listener,
    options: QueueOptions<Payload, Result>,
    ground: QueueGround = {},
  ) {
    this.name = name;
    this.#ids = ground.ids ?? new Ids();
    this.#options = options;
    this.#interceptor = compose(options.interceptors);
    const given = Object.entries(options).filter(([, value]) => value !== undefined);
    const backoff = { ...BACKOFF, ...options.backoff };
    this.#settings = { ...QUEUE_DEFAULTS, ...Object.fromEntries(given), backoff };
    const { file } = options;
    this.#store = ground.store ?? (file === undefined ? new MemoryStore() : new SqliteStore(file));
    // The clock of the wall may jump; this one goes on from where it, or an earlier life, was.
    this.#startMs =
      Math.max(ground.wallMs ?? Date.now(), this.#store.newestMs()) - performance.now();
    this.#news = new TurnNews(this.#endings, options.onChange);
    const dispatch = new Dispatch(name);
    this.#core = new WorkCore(this.#store, this.#settings, {
      give: (worker, job) => this.#desk.with(worker, (session) => dispatch.give(session, job)),
      revoke: (worker, id, token, code) =>
        this.#desk.with(worker, (session) => dispatch.revoke(session, [id, token, code])),
      changed: (job) => this.#news.saw(job),
    });
    this.#schedules = new Schedules(this.#store);
    this.#adds = new PendingAdds(name);
    this.#turn = new Turn({
      store: this.#store,
      last: () => this.#last(),
      safe: () => this.#isSafe(dispatch),
      undone: (error) => this.#isUndone(error, dispatch),
    });
    this.#desk = new WorkDesk(this.#served(), {
      core: this.#core,
      turn: this.#turn,
      dispatch,
      nowMs: () => this.#nowMs(),
      producers: options.producers === true,
      progress: (id, value) => this.#options.onProgress?.(id, value),
    });
    this.#core.open(this.#nowMs());
    const about = { verb: VERB_WORK, name };
    this.#withdraw = offer(listener, about, (session) => this.#desk.accept(session));
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  /** See {@link JobQueue.add}. */
  async add(
    payload: Payload,
    options: QueueAddOptions = NO_OPTIONS,
  ): Promise<JobView<Payload, Result>> {
    const body = encode(payload);
    const asView = (job: JobRecord): JobView<Payload, Result> => viewOf(job, payload);
    if (this.#interceptor === undefined) return this.#push(body, [options, NO_HEADERS], asView);
    let view: JobView<Payload, Result> | undefined;
    const send = async (headers: Headers): Promise<void> => {
      view = await this.#push(body, [options, headers], asView);
    };
    await intercept(this.#interceptor, () => this.#operation(), send);
    if (view === undefined) throw new PatternError("ERR_CLOSED", `queue ${this.name} took nothing`);
    return view;
  }

  /** See {@link JobQueue.get}. */
  get(id: string): JobView<Payload, Result> | undefined {
    this.#check();
    const job = this.#core.find(id);
    return job && viewOf(job);
  }

  /** See {@link JobQueue.list}. */
  list(states: readonly JobState[], count = 100): JobView<Payload, Result>[] {
    this.#check();
    return this.#store.list(states, count).map((job) => viewOf<Payload, Result>(job));
  }

  /** See {@link JobQueue.result}. */
  async result(id: string, options: WaitOptions = {}): Promise<Result> {
    return resultOf(viewOf<Payload, Result>(await this.#ended(id, options)));
  }

  /** See {@link JobQueue.cancel}. */
  async cancel(id: string): Promise<void> {
    await this.#change(() => this.#core.cancel(id, this.#nowMs()));
  }

  /** See {@link JobQueue.retry}. */
  async retry(id: string): Promise<void> {
    await this.#change(() => this.#core.retry(id, this.#nowMs()));
  }

  /** See {@link JobQueue.schedule}. @throws PatternError ERR_BAD_OPTION */
  async schedule(name: string, payload: Payload, options: ScheduleOptions): Promise<void> {
    await this.#schedule(name, encode(payload), options);
  }

  /** See {@link JobQueue.unschedule}. */
  async unschedule(name: string): Promise<boolean> {
    return await this.#change(() => this.#schedules.drop(name));
  }

  /** See {@link JobQueue.stats}. `late` outcomes were refused. */
  stats(): QueueStats {
    return {
      ...this.#core.counters,
      ...this.#store.health(),
      jobs: this.#store.count(),
      workers: this.#core.workers(),
      pending: this.#adds.size,
      undone: this.#undone,
    };
  }

  /** Stops giving out jobs and closes the store; running jobs report to the next opening. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#turn.commit();
    this.#closed = true;
    clearInterval(this.#timer);
    this.#withdraw();
    this.#desk.close();
    this.#turn.end();
    const closed = new PatternError("ERR_CLOSED", `queue ${this.name} is closed`);
    this.#adds.fail(closed, true);
    this.#endings.fail(closed);
    this.#store[Symbol.dispose]();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @throws what is wrong with the options */
  #push<T>(
    payload: Uint8Array,
    [options, headers]: readonly [ProducerAddOptions, Headers],
    as: (job: JobRecord) => T,
  ): Promise<T> {
    this.#check();
    checkOptions(options, this.#settings.keepMs);
    within("payload: bytes", payload.length, BODY_BYTES);
    const nowMs = this.#nowMs();
    const id = options.id ?? this.#ids.next(nowMs);
    const job = newRecord({ id, payload, headers }, options, nowMs);
    this.#turn.wake();
    const { waitMs = 0 } = options;
    return this.#adds.push({ job, again: options.id !== undefined, waitMs }, as);
  }

  /** What this queue does for producers elsewhere. */
  #served(): ServedQueue {
    return {
      name: this.name,
      add: async (payload, options) =>
        this.#push(payload, [options, options.headers ?? NO_HEADERS], copyOf),
      get: (id) => this.#core.find(id),
      list: (states, count) => this.#store.list(states, count),
      ended: (id, timeoutMs) => this.#ended(id, { timeoutMs }),
      cancel: (id) => this.cancel(id),
      retry: (id) => this.retry(id),
      schedule: (name, payload, options) => this.#schedule(name, payload, options),
      unschedule: (name) => this.unschedule(name),
      stats: () => this.stats(),
    };
  }

  async #ended(id: string, options: WaitOptions): Promise<JobRecord> {
    this.#check();
    const job = this.#core.find(id);
    if (job === undefined) throw new PatternError("ERR_JOB_STATE", `job ${id} is not known`);
    return isFinal(job) ? copyOf(job) : await this.#endings.wait(id, options);
  }

  async #schedule(name: string, payload: Uint8Array, options: ScheduleOptions): Promise<void> {
    const { everyMs: _, ...each } = options;
    checkOptions(each, this.#settings.keepMs);
    await this.#change(() => this.#schedules.set(name, payload, options, this.#nowMs()));
  }

  #nowMs(): number {
    return this.#startMs + performance.now();
  }

  #tick(): void {
    try {
      this.#turn.run(() => {
        this.#core.tick(this.#nowMs());
        this.#schedules.tick(this.#nowMs(), (payload, options) => {
          const nowMs = this.#nowMs();
          const content = { id: this.#ids.next(nowMs), payload, headers: NO_HEADERS };
          this.#core.add(newRecord(content, options, nowMs), nowMs);
        });
      });
    } catch (error) {
      // A turn that was undone is counted, and tried again with the next tick.
      if (!(error instanceof PatternError)) throw error;
    }
  }

  async #change<T>(change: () => T): Promise<T> {
    this.#check();
    const value = this.#turn.run(change);
    this.#safe ??= Promise.withResolvers();
    await this.#safe.promise;
    return value;
  }

  #last(): boolean {
    const nowMs = this.#nowMs();
    if (this.#adds.size > 0 && this.#store.health().isFull) {
      const message = `queue ${this.name} takes no jobs: there is no room on its disk`;
      this.#adds.fail(new PatternError("ERR_STORE_FULL", message), true);
    }
    const isMore = this.#adds.take(this.#room(), (job, again) => this.#core.add(job, nowMs, again));
    this.#core.assign(nowMs);
    return isMore;
  }

  #room(): number {
    const { ready, delayed, held, suspect, leased } = this.#store.count();
    const backlog = ready + delayed + held + suspect + leased;
    return this.#settings.backlogMax - backlog;
  }

  #isSafe(dispatch: Dispatch): void {
    this.#safe?.resolve();
    this.#safe = undefined;
    this.#adds.safe();
    this.#desk.unsent(dispatch.flush());
    this.#news.tell();
  }

  /** As after a crash of this process: the store says what holds, and workers must say ready again. */
  #isUndone(error: PatternError, dispatch: Dispatch): void {
    this.#undone++;
    this.#safe?.promise.catch(() => undefined);
    this.#safe?.reject(error);
    this.#safe = undefined;
    this.#adds.fail(error);
    dispatch.clear();
    this.#news.forget();
    this.#schedules.reset();
    this.#desk.reset();
    this.#core.open(this.#nowMs());
  }

  #check(): void {
    if (this.#closed) throw new PatternError("ERR_CLOSED", `queue ${this.name} is closed`);
  }

  #operation(): Operation {
    return { verb: "work", side: "producer", name: this.name, headers: {}, attributes: {} };
  }
}

/**
 * Opens the queue `name` on a listener, with the jobs that its file has.
 * @throws PatternError ERR_STORE when the file cannot be opened
 */
export function openQueue<Payload, Result = unknown>(
  name: string,
  listener: Listener,
  options: QueueOptions<Payload, Result> = {},
): Queue<Payload, Result> {
  return new Queue(name, listener, options);
}
