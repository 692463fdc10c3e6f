import {
  compose,
  type DialOptions,
  decode,
  encode,
  type Headers,
  type Interceptor,
  intercept,
  nodeName,
  type Operation,
  toWireError,
} from "@zeroplane/link";
import { type Message, sessionTo, type To } from "../channel.ts";
import { PatternError } from "../errors.ts";
import { attach, UNKNOWN } from "../names.ts";
import { VERB_WORK } from "../verbs.ts";
import { batches } from "./batches.ts";
import { within } from "./new-job.ts";
import { BODY_BYTES_MAX, Kind, rowsOf } from "./protocol.ts";
import { say } from "./say.ts";

/** What a running job may know and say. */
export interface JobContext {
  readonly id: string;
  /** 1 for the first attempt. Rises with each: a fencing token for what the job writes. */
  readonly attempt: number;
  /** Aborted when the job is cancelled, was given to somebody else, or the worker stops. */
  readonly signal: AbortSignal;
  readonly headers: Headers;
  /** Tells the owner of the queue how far it is. */
  progress(value: unknown): void;
}

/** Runs one job; what it returns is the result, what it throws is the failure. */
export type JobHandler<Payload, Result> = (
  payload: Payload,
  context: JobContext,
) => Promise<Result> | Result;

/** Options of {@link startWorker}. */
export interface WorkerOptions extends Pick<DialOptions, "keys" | "node"> {
  /** Jobs to run at a time (default 1). */
  readonly credit?: number;
  readonly interceptors?: readonly Interceptor[];
  /** Name that jobs show for this worker (default the node's). */
  readonly name?: string;
  /** How long running jobs may go on after `close`, milliseconds (default 10 000). */
  readonly drainMs?: number;
}

interface Running {
  readonly id: string;
  readonly token: number;
  readonly abort: AbortController;
  /** Said once the handler ended, and again until the queue has it safe. */
  outcome: Outcome | undefined;
}

type Outcome = readonly [kind: number, id: string, token: number, value: unknown];

/** A job as it comes from the queue. */
interface Given {
  readonly payload: Uint8Array;
  readonly headers: Headers;
  readonly dueAtMs: number;
}

interface Lease {
  readonly id: string;
  readonly token: number;
}

/** Why a lease was taken back. */
const REVOKED: Readonly<Record<string, PatternError>> = {
  ERR_JOB_CANCELLED: new PatternError("ERR_JOB_CANCELLED", "the job was cancelled"),
  ERR_JOB_TIMEOUT: new PatternError("ERR_JOB_TIMEOUT", "the job ran longer than it may"),
};
const REPEAT_MS = 1_000;
const DRAIN_MS = 10_000;
/** How long aborted jobs have to say how they ended. */
const ABORT_MS = 2_000;
const POLL_MS = 10;

/** Takes jobs of one queue, as many at a time as its credit says. */
export class Worker<Payload, Result> implements AsyncDisposable {
  readonly queue: string;
  readonly #session: ReturnType<typeof sessionTo>;
  readonly #handler: JobHandler<Payload, Result>;
  readonly #options: WorkerOptions;
  readonly #interceptor: Interceptor | undefined;
  readonly #running = new Map<string, Running>();
  readonly #detach: () => void;
  readonly #stopWatching: () => void;
  readonly #repeat: NodeJS.Timeout;
  #outcomes: Outcome[] = [];
  #saying: NodeJS.Immediate | undefined;
  #credit: number;
  #stopping = false;

  /** Use {@link startWorker}. */
  constructor(
    to: To,
    queue: string,
    parts: { handler: JobHandler<Payload, Result>; options: WorkerOptions },
  ) {
    const { handler, options } = parts;
    this.queue = queue;
    this.#handler = handler;
    this.#options = options;
    this.#credit = options.credit ?? 1;
    this.#interceptor = compose(options.interceptors);
    this.#session = sessionTo(to, options);
    const { session } = this.#session;
    this.#detach = attach(
      session,
      { verb: VERB_WORK, name: queue },
      {
        receive: (message) => this.#receive(message),
      },
    );
    this.#stopWatching = session.watch((state) => {
      if (state === "up") this.#ready();
    });
    this.#repeat = setInterval(() => this.#again(), REPEAT_MS);
    if (session.state === "up") this.#ready();
  }

  /** Jobs that run now. */
  get running(): number {
    return this.#running.size;
  }

  /** Takes no more jobs, waits for running ones, then aborts those that are left. */
  async close(): Promise<void> {
    this.#stopping = true;
    this.#credit = 0;
    this.#ready();
    await this.#idle(this.#options.drainMs ?? DRAIN_MS);
    for (const { abort } of this.#running.values()) {
      abort.abort(new PatternError("ERR_WORKER_STOPPED", `worker ${this.#name()} stops`));
    }
    await this.#idle(ABORT_MS);
    this.#release([...this.#running.values()].filter(({ outcome }) => outcome === undefined));
    this.#speak();
    clearInterval(this.#repeat);
    this.#stopWatching();
    this.#detach();
    await this.#session.end();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #idle(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.#running.size > 0 && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  #receive([kind, , rows]: Message): void {
    if (kind === UNKNOWN) return; // Not opened yet: `again` keeps asking.
    const leases = rowsOf(rows).map(([id, token, ...rest]) => ({
      id: String(id),
      token: Number(token),
      rest,
    }));
    if (kind === Kind.settled) for (const lease of leases) this.#running.delete(keyOf(lease));
    else if (kind === Kind.revoke) for (const lease of leases) this.#revoke(lease, lease.rest[0]);
    else if (kind === Kind.jobs && this.#stopping) this.#release(leases);
    else if (kind === Kind.jobs) {
      for (const { id, token, rest } of leases) {
        if (this.#running.has(keyOf({ id, token }))) continue;
        const running = { id, token, abort: new AbortController(), outcome: undefined };
        const [payload, headers, dueAtMs] = rest as [Uint8Array, Headers | null, number];
        void this.#run(running, { payload, headers: headers ?? {}, dueAtMs });
      }
    }
  }

  #revoke(lease: Lease, code: unknown): void {
    const running = this.#running.get(keyOf(lease));
    this.#running.delete(keyOf(lease));
    const why = REVOKED[String(code)] ?? new PatternError("ERR_JOB_LOST", "somebody else has it");
    running?.abort.abort(why);
  }

  /** Gives back what was not begun, or not ended in time. */
  #release(leases: readonly Lease[]): void {
    for (const lease of leases) this.#running.delete(keyOf(lease));
    const rows = leases.map(({ id, token }) => [id, token]);
    if (rows.length > 0) this.#say([Kind.release, this.queue, rows]);
  }

  async #run(running: Running, job: Given): Promise<void> {
    const { id, token } = running;
    const startedAtMs = performance.now();
    this.#running.set(keyOf(running), running);
    try {
      const result = encode(await this.#handle(running, job));
      within("result: bytes", result.length, [0, BODY_BYTES_MAX]);
      this.#ended(running, [Kind.done, id, token, result]);
    } catch (error) {
      const ms = performance.now() - startedAtMs;
      const traceId = job.headers["traceparent"]?.split("-")[1];
      const site = { service: this.queue, method: "work", node: this.#name(), ms, traceId };
      this.#ended(running, [Kind.failed, id, token, toWireError(error, site)]);
    }
  }

  #ended(running: Running, outcome: Outcome): void {
    // A lease that was taken back is nobody's business any more.
    if (!this.#running.has(keyOf(running))) return;
    running.outcome = outcome;
    this.#outcomes.push(outcome);
    this.#saying ??= setImmediate(() => this.#speak());
  }

  /** Says all outcomes of this turn, as few messages. */
  #speak(): void {
    clearImmediate(this.#saying);
    this.#saying = undefined;
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    for (const kind of [Kind.done, Kind.failed]) {
      const rows = outcomes.filter((outcome) => outcome[0] === kind).map(([, ...row]) => row);
      for (const batch of batches(rows, sizeOf)) this.#say([kind, this.queue, batch]);
    }
  }

  async #handle({ id, token, abort }: Running, job: Given): Promise<unknown> {
    const context: JobContext = {
      id,
      attempt: token,
      signal: abort.signal,
      headers: job.headers,
      progress: (value) => this.#say([Kind.progress, this.queue, id, token, value]),
    };
    const operation = (): Operation => ({
      verb: "work",
      side: "consumer",
      name: this.queue,
      headers: job.headers,
      peer: this.#session.session.peer.node,
      attributes: { "zp.attempt": token, "zp.queue_ms": Math.max(0, Date.now() - job.dueAtMs) },
    });
    return intercept(this.#interceptor, operation, async () =>
      this.#handler(decode(job.payload) as Payload, context),
    );
  }

  #ready(): void {
    const leases = [...this.#running.values()].map(({ id, token }) => [id, token]);
    this.#say([Kind.ready, this.queue, this.#credit, leases, this.#options.name ?? ""]);
    const ended = [...this.#running.values()].map(({ outcome }) => outcome);
    this.#outcomes = ended.filter((outcome) => outcome !== undefined);
    this.#speak();
  }

  /** A queue that was opened late, or again, learns of this worker and of its outcomes. */
  #again(): void {
    if (this.#session.session.state === "up") this.#ready();
  }

  /** What finds no room is said again: outcomes with the next `ready`, the rest by the queue. */
  #say(message: Message): void {
    say(this.#session.session, message);
  }

  #name(): string {
    return this.#options.name ?? this.#options.node ?? nodeName();
  }
}

const keyOf = ({ id, token }: Lease): string => `${id}/${token}`;

/** Of a row `[id, token, result or error]`. */
const sizeOf = (row: readonly unknown[]): number =>
  ((row[2] ?? {}) as { length?: number }).length ?? 0;

/**
 * Starts taking jobs of `queue` from its owner at `to`, now or whenever it is there.
 * @param to endpoint of the process that has opened the queue, or a session to it
 */
export function startWorker<Payload, Result>(
  to: To,
  queue: string,
  handler: JobHandler<Payload, Result>,
  options: WorkerOptions = {},
): Worker<Payload, Result> {
  return new Worker(to, queue, { handler, options });
}
