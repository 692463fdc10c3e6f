import { randomUUID } from "node:crypto";
import {
  compose,
  decode,
  encode,
  type Headers,
  type Interceptor,
  intercept,
  type Listener,
  type Operation,
  parseWireError,
  RemoteError,
  type Session,
} from "@zeroplane/link";
import { BACKOFF, type Backoff } from "../backoff.ts";
import { type Message, tell } from "../channel.ts";
import { PatternError } from "../errors.ts";
import { type NamedHandler, offer } from "../names.ts";
import { VERB_WORK } from "../verbs.ts";
import { type QueueSettings, WorkCore } from "./core.ts";
import { type AddOptions, isFinal, type JobRecord, type JobState } from "./job.ts";
import { Kind } from "./protocol.ts";
import { SqliteStore } from "./sqlite-store.ts";
import { type JobStore, MemoryStore } from "./store.ts";

/** A job as its owner sees it. */
export interface JobView<Payload, Result> extends Omit<JobRecord, "payload" | "result" | "errors"> {
  readonly payload: Payload;
  readonly result: Result | undefined;
  /** What went wrong so far, oldest first. */
  readonly errors: readonly RemoteError[];
}

/** Options of {@link openQueue}. */
export interface QueueOptions<Payload = unknown, Result = unknown> {
  /** Keeps jobs in this SQLite file; without it they live as long as this process. */
  readonly file?: string;
  /** Wait between attempts (default 1 s, doubled up to 60 s). */
  readonly backoff?: Partial<Backoff>;
  /** How long a worker that lost its line keeps its jobs, milliseconds (default 2 000). */
  readonly graceMs?: number;
  /** Vanished workers after which a job is dead (default 2). */
  readonly crashesMax?: number;
  /** How long finished jobs are kept, milliseconds (default 24 hours). */
  readonly keepMs?: number;
  readonly interceptors?: readonly Interceptor[];
  /** Called after each change of a job is safe. */
  readonly onChange?: (job: JobView<Payload, Result>) => void;
  /** Called with what a worker reports of a running job. */
  readonly onProgress?: (id: string, value: unknown) => void;
}

const TICK_MS = 100;
const DEFAULTS: QueueSettings = {
  backoff: BACKOFF,
  graceMs: 2_000,
  crashesMax: 2,
  keepMs: 24 * 3_600_000,
};

/**
 * A queue of jobs that lives beside its producer; workers dial it. What `add` has resolved is
 * done, dead or cancelled in the end, whatever dies meanwhile; a job may run more than once.
 */
export class Queue<Payload, Result> implements AsyncDisposable {
  readonly name: string;
  readonly #store: JobStore;
  readonly #core: WorkCore;
  readonly #options: QueueOptions<Payload, Result>;
  readonly #interceptor: Interceptor | undefined;
  readonly #sessions = new Map<string, Session>();
  readonly #names = new WeakMap<Session, string>();
  readonly #withdraw: () => void;
  readonly #timer: NodeJS.Timeout;
  #afterCommit: (() => void)[] = [];
  #committed: PromiseWithResolvers<void> | undefined;
  #closed = false;

  /** Use {@link openQueue}. */
  constructor(name: string, listener: Listener, options: QueueOptions<Payload, Result>) {
    this.name = name;
    this.#options = options;
    this.#interceptor = compose(options.interceptors);
    this.#store = options.file === undefined ? new MemoryStore() : new SqliteStore(options.file);
    const { graceMs, crashesMax, keepMs } = { ...DEFAULTS, ...options };
    const backoff = { ...BACKOFF, ...options.backoff };
    const effects = {
      newId: () => randomUUID(),
      give: (worker: string, job: JobRecord) => this.#later(() => this.#give(worker, job)),
      revoke: (worker: string, id: string, token: number) =>
        this.#tell(worker, [Kind.revoke, name, id, token]),
      changed: (job: JobRecord) => this.#later(() => this.#options.onChange?.(viewOf(job))),
    };
    this.#core = new WorkCore(this.#store, { backoff, graceMs, crashesMax, keepMs }, effects);
    this.#core.open(Date.now());
    const about = { verb: VERB_WORK, name };
    this.#withdraw = offer(listener, about, (session) => this.#accept(session));
    this.#timer = setInterval(() => this.#turn(() => this.#core.tick(Date.now())), TICK_MS).unref();
  }

  /**
   * Adds a job; resolves once it is safe in the store.
   * @returns the job, or the unfinished one that has the same key
   * @throws PatternError ERR_CLOSED, LinkError ERR_LINK_ENCODE when the payload cannot travel
   */
  async add(payload: Payload, options: AddOptions = {}): Promise<JobView<Payload, Result>> {
    const body = encode(payload);
    let job: JobRecord | undefined;
    const operation = (): Operation => this.#operation("producer", {});
    const send = async (headers: Headers): Promise<void> => {
      job = this.#turn(() => this.#core.add({ ...options, payload: body, headers }, Date.now()));
      await this.#safe();
    };
    await intercept(this.#interceptor, operation, send);
    if (job === undefined) throw new PatternError("ERR_CLOSED", `queue ${this.name} took nothing`);
    return viewOf(job);
  }

  /** A job by its id, for as long as it is kept. */
  get(id: string): JobView<Payload, Result> | undefined {
    const job = this.#store.get(id);
    return job && viewOf(job);
  }

  /** Jobs in one of `states`, newest first, at most `count` (default 100). */
  list(states: readonly JobState[], count = 100): JobView<Payload, Result>[] {
    return this.#store.list(states, count).map((job) => viewOf<Payload, Result>(job));
  }

  /** Ends a job that has not ended; a worker that runs it is told to stop. */
  async cancel(id: string): Promise<void> {
    this.#turn(() => this.#core.cancel(id, Date.now()));
    await this.#safe();
  }

  /** Gives a dead job another life. */
  async retry(id: string): Promise<void> {
    this.#turn(() => this.#core.retry(id, Date.now()));
    await this.#safe();
  }

  /** Jobs by state, and workers with what they run. `late` results were refused. */
  stats(): {
    jobs: Readonly<Record<JobState, number>>;
    workers: ReturnType<WorkCore["workers"]>;
    late: number;
  } {
    return { jobs: this.#store.count(), workers: this.#core.workers(), late: this.#core.late };
  }

  /** Stops giving out jobs and closes the store; running jobs report to the next opening. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    this.#withdraw();
    this.#commit();
    this.#store[Symbol.dispose]();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(session: Session): NamedHandler {
    const gone = (): void => {
      if (this.#closed) return;
      const name = this.#names.get(session);
      if (name === undefined || this.#sessions.get(name) !== session) return;
      this.#sessions.delete(name);
      // The worker may come back under a new session within the grace time.
      this.#turn(() => this.#core.lost(name, Date.now()));
    };
    return {
      receive: (message) => {
        if (!this.#closed) this.#turn(() => this.#receive(session, message));
      },
      reset: gone,
      state: (state) => {
        const name = this.#names.get(session);
        if (state === "down" && name !== undefined)
          this.#turn(() => this.#core.lost(name, Date.now()));
        // A resumed session tells nothing new: the worker says ready again by itself.
      },
    };
  }

  #receive(session: Session, [kind, , a, b, c]: Message): void {
    const nowMs = Date.now();
    const [id, token] = [String(a), Number(b)];
    switch (kind) {
      case Kind.ready: {
        const { node } = session.peer;
        const worker = c === "" ? node : `${String(c)}@${node}`;
        const fresh = this.#sessions.get(worker) !== session;
        this.#sessions.set(worker, session);
        this.#names.set(session, worker);
        const running = Array.isArray(b) ? (b as [string, number][]) : [];
        return this.#core.ready(worker, { credit: Number(a), running, fresh }, nowMs);
      }
      case Kind.done:
        return this.#settle(session, { id, token }, this.#core.done(id, token, encode(c), nowMs));
      case Kind.failed: {
        const accepted = this.#core.failed(id, token, parseWireError(c), nowMs);
        return this.#settle(session, { id, token }, accepted);
      }
      case Kind.progress:
        if (this.#store.get(id)?.attempt === token) this.#options.onProgress?.(id, c);
        return;
    }
  }

  #settle(session: Session, lease: { id: string; token: number }, accepted: boolean): void {
    this.#later(() =>
      tell(session, VERB_WORK, [Kind.settled, this.name, lease.id, lease.token, accepted]),
    );
  }

  #give(worker: string, { id, attempt, payload, headers, dueAtMs }: JobRecord): void {
    this.#tell(worker, [Kind.job, this.name, id, attempt, payload, headers, dueAtMs]);
  }

  #tell(worker: string, message: Message): void {
    const session = this.#sessions.get(worker);
    if (session !== undefined) tell(session, VERB_WORK, message);
  }

  /** Runs `change` in the transaction of this turn of the event loop. */
  #turn<T>(change: () => T): T {
    if (this.#closed) throw new PatternError("ERR_CLOSED", `queue ${this.name} is closed`);
    if (this.#committed === undefined) {
      this.#committed = Promise.withResolvers();
      this.#store.begin();
      setImmediate(() => this.#commit());
    }
    return change();
  }

  /** What the world may only see when the change is safe. */
  #later(effect: () => void): void {
    this.#afterCommit.push(effect);
  }

  #safe(): Promise<void> {
    return this.#committed?.promise ?? Promise.resolve();
  }

  #commit(): void {
    const committed = this.#committed;
    if (committed === undefined) return;
    this.#committed = undefined;
    const effects = this.#afterCommit;
    this.#afterCommit = [];
    this.#store.commit();
    committed.resolve();
    for (const effect of effects) effect();
  }

  #operation(side: Operation["side"], headers: Headers): Operation {
    return { verb: "work", side, name: this.name, headers, attributes: {} };
  }
}

function viewOf<Payload, Result>(job: JobRecord): JobView<Payload, Result> {
  return {
    ...job,
    payload: decode(job.payload) as Payload,
    result: job.result === undefined ? undefined : (decode(job.result) as Result),
    errors: job.errors.map((error) => new RemoteError(parseWireError(error))),
  };
}

/** True when nothing more will happen to a job. */
export const hasEnded = (job: Pick<JobView<unknown, unknown>, "state">): boolean =>
  isFinal(job as JobRecord);

/**
 * Opens the queue `name` on a listener, with the jobs that its file has.
 * @throws when the file cannot be opened
 */
export function openQueue<Payload, Result = unknown>(
  name: string,
  listener: Listener,
  options: QueueOptions<Payload, Result> = {},
): Queue<Payload, Result> {
  return new Queue(name, listener, options);
}
