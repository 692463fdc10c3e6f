import {
  compose,
  type DialOptions,
  encode,
  type Headers,
  type Interceptor,
  intercept,
  parseWireError,
  RemoteError,
  type Session,
} from "@zeroplane/link";
import { type Message, sessionTo, type To } from "../channel.ts";
import { inTime } from "../deadline.ts";
import { PatternError } from "../errors.ts";
import { attach } from "../names.ts";
import { VERB_WORK } from "../verbs.ts";
import { Ids } from "./ids.ts";
import type { JobRecord, JobState } from "./job.ts";
import type { JobQueue, QueueAddOptions, QueueStats, WaitOptions } from "./job-queue.ts";
import { Kind } from "./protocol.ts";
import { say } from "./say.ts";
import type { ScheduleOptions } from "./schedules.ts";
import { type JobView, resultOf, viewOf } from "./view.ts";

/** Options of {@link connectQueue}. */
export interface RemoteQueueOptions extends Pick<DialOptions, "keys" | "node"> {
  /** How long an answer may take, milliseconds (default 30 000), the wait for a result apart. */
  readonly timeoutMs?: number;
  readonly interceptors?: readonly Interceptor[];
}

const numbers = new WeakMap<Session, number>();

/** Numbers of questions go on for as long as a session does, whoever asks. */
function nextNumber(session: Session): number {
  const number = (numbers.get(session) ?? 0) + 1;
  numbers.set(session, number);
  return number;
}

interface Asked {
  readonly message: Message;
  readonly answer: PromiseWithResolvers<unknown>;
}

const TIMEOUT_MS = 30_000;
/** How often what has no answer is asked again: the queue may have been opened late, or anew. */
const REPEAT_MS = 1_000;
const ASKED_MAX = 100_000;

/** A queue of another process. What may be asked twice is: an `add` that is repeated is one job. */
export class RemoteQueue<Payload, Result> implements JobQueue<Payload, Result> {
  readonly name: string;
  readonly #session: ReturnType<typeof sessionTo>;
  readonly #options: RemoteQueueOptions;
  readonly #interceptor: Interceptor | undefined;
  readonly #asked = new Map<number, Asked>();
  readonly #ids: Ids;
  readonly #detach: () => void;
  readonly #stopWatching: () => void;
  readonly #repeat: NodeJS.Timeout;
  #closed = false;

  /** Use {@link connectQueue}. */
  constructor(to: To, name: string, options: RemoteQueueOptions, ids = new Ids()) {
    this.name = name;
    this.#ids = ids;
    this.#options = options;
    this.#interceptor = compose(options.interceptors);
    this.#session = sessionTo(to, options);
    const receive = (message: Message): void => this.#receive(message);
    this.#detach = attach(this.#session.session, { verb: VERB_WORK, name }, { receive });
    this.#stopWatching = this.#session.session.watch((state) => {
      if (state === "up") this.#again();
    });
    this.#repeat = setInterval(() => this.#again(), REPEAT_MS).unref();
  }

  /** See {@link JobQueue.add}. When it fails with ERR_TIMEOUT the job may have been added. */
  async add(payload: Payload, options: QueueAddOptions = {}): Promise<JobView<Payload, Result>> {
    const body = encode(payload);
    const id = this.#ids.next();
    let job: JobRecord | undefined;
    const send = async (headers: Headers): Promise<void> => {
      const wait = options.waitMs ?? 0;
      job = await this.#ask<JobRecord>("add", [body, { ...options, id, headers }], { wait });
    };
    const attributes = {};
    const { name } = this;
    const about = { verb: "work", side: "producer", name, attributes } as const;
    await intercept(this.#interceptor, () => ({ ...about, headers: {} }), send);
    if (job === undefined) throw new PatternError("ERR_CLOSED", `queue ${name} took nothing`);
    return viewOf(recordOf(job));
  }

  /** See {@link JobQueue.get}. */
  async get(id: string): Promise<JobView<Payload, Result> | undefined> {
    const job = await this.#ask<JobRecord | null>("get", [id]);
    return job === null ? undefined : viewOf(recordOf(job));
  }

  /** See {@link JobQueue.list}; at most 1 000. */
  async list(states: readonly JobState[], count = 100): Promise<JobView<Payload, Result>[]> {
    const jobs = await this.#ask<JobRecord[]>("list", [states, count]);
    return jobs.map((job) => viewOf<Payload, Result>(recordOf(job)));
  }

  /** See {@link JobQueue.result}. */
  async result(id: string, { timeoutMs = TIMEOUT_MS, signal }: WaitOptions = {}): Promise<Result> {
    const wait = { wait: timeoutMs, signal };
    const job = await this.#ask<JobRecord>("ended", [id, timeoutMs], wait);
    return resultOf(viewOf<Payload, Result>(recordOf(job)));
  }

  /** See {@link JobQueue.cancel}. */
  async cancel(id: string): Promise<void> {
    await this.#ask("cancel", [id]);
  }

  /** See {@link JobQueue.retry}. */
  async retry(id: string): Promise<void> {
    await this.#ask("retry", [id]);
  }

  /** See {@link JobQueue.schedule}. */
  async schedule(name: string, payload: Payload, options: ScheduleOptions): Promise<void> {
    await this.#ask("schedule", [name, encode(payload), options]);
  }

  /** See {@link JobQueue.unschedule}. */
  async unschedule(name: string): Promise<boolean> {
    return await this.#ask("unschedule", [name]);
  }

  /** See {@link JobQueue.stats}. */
  async stats(): Promise<QueueStats> {
    return await this.#ask("stats", []);
  }

  /** What has no answer yet fails; the queue itself goes on. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#repeat);
    this.#stopWatching();
    this.#detach();
    for (const { answer } of this.#asked.values()) answer.reject(this.#isClosed());
    await this.#session.end();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #ask<T>(
    operation: string,
    args: readonly unknown[],
    options: { readonly wait?: number; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<T> {
    if (this.#closed) throw this.#isClosed();
    options.signal?.throwIfAborted();
    if (this.#asked.size >= ASKED_MAX) {
      throw new PatternError("ERR_OVERLOADED", `queue ${this.name}: ${ASKED_MAX} answers are due`);
    }
    const number = nextNumber(this.#session.session);
    const timeoutMs = (this.#options.timeoutMs ?? TIMEOUT_MS) + (options.wait ?? 0);
    const answer = Promise.withResolvers<unknown>();
    const message: Message = [Kind.ask, this.name, number, operation, args];
    this.#asked.set(number, { message, answer });
    const text = `queue ${this.name}: ${operation} has no answer after ${timeoutMs} ms`;
    const late = (): PatternError => new PatternError("ERR_TIMEOUT", text);
    try {
      if (this.#session.session.state === "up") say(this.#session.session, message);
      return (await inTime(answer.promise, { timeoutMs, signal: options.signal }, late)) as T;
    } finally {
      this.#asked.delete(number);
    }
  }

  #receive([kind, , number, error, value]: Message): void {
    if (kind !== Kind.answer) return;
    const asked = this.#asked.get(Number(number));
    if (error === null) asked?.answer.resolve(value);
    else asked?.answer.reject(new RemoteError(parseWireError(error)));
  }

  #again(): void {
    const { session } = this.#session;
    if (session.state !== "up") return;
    for (const { message } of this.#asked.values()) {
      if (!session.hasRoom || !say(session, message)) return;
    }
  }

  #isClosed(): PatternError {
    return new PatternError("ERR_CLOSED", `queue ${this.name} is closed here`);
  }
}

/** A record from the wire: what was left out is `undefined`. */
function recordOf(job: JobRecord): JobRecord {
  const { id, key, serial, worker, result, finishedAtMs, ...rest } = job;
  return { ...rest, id, key, serial, worker, result, finishedAtMs };
}

/**
 * Gives the queue `name` of another process, which has opened it with `producers: true`.
 * @param to its endpoint, or a session to it, through a relay or not
 */
export function connectQueue<Payload, Result = unknown>(
  to: To,
  name: string,
  options: RemoteQueueOptions = {},
): RemoteQueue<Payload, Result> {
  return new RemoteQueue(to, name, options);
}
