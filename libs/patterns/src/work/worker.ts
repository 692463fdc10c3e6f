import {
  compose,
  type DialOptions,
  decode,
  type Headers,
  type Interceptor,
  intercept,
  nodeName,
  type Operation,
  toWireError,
} from "@zeroplane/link";
import { type Message, sessionTo, type To, tell } from "../channel.ts";
import { PatternError } from "../errors.ts";
import { attach, UNKNOWN } from "../names.ts";
import { VERB_WORK } from "../verbs.ts";
import { Kind } from "./protocol.ts";

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
  outcome: Message | undefined;
}

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
  #credit: number;

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
    this.#credit = 0;
    this.#ready();
    await this.#idle(this.#options.drainMs ?? DRAIN_MS);
    for (const { abort } of this.#running.values()) {
      abort.abort(new PatternError("ERR_WORKER_STOPPED", `worker ${this.#name()} stops`));
    }
    await this.#idle(ABORT_MS);
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

  #receive([kind, , a, b, c, d, e]: Message): void {
    const key = `${String(a)}/${String(b)}`;
    switch (kind) {
      case Kind.job:
        if (this.#running.has(key)) return;
        void this.#run(
          { id: String(a), token: Number(b), abort: new AbortController(), outcome: undefined },
          {
            payload: c as Uint8Array,
            headers: (d ?? {}) as Headers,
            dueAtMs: Number(e),
          },
        );
        return;
      case Kind.settled:
        this.#running.delete(key);
        return;
      case Kind.revoke: {
        const running = this.#running.get(key);
        this.#running.delete(key);
        running?.abort.abort(new PatternError("ERR_JOB_CANCELLED", "the job was taken back"));
        return;
      }
      case UNKNOWN:
        // Not opened yet: `again` keeps asking.
        return;
    }
  }

  async #run(
    running: Running,
    job: { payload: Uint8Array; headers: Headers; dueAtMs: number },
  ): Promise<void> {
    const { id, token } = running;
    const startedAtMs = performance.now();
    this.#running.set(`${id}/${token}`, running);
    try {
      const result = await this.#handle(running, job);
      running.outcome = [Kind.done, this.queue, id, token, result];
      this.#say(running.outcome);
    } catch (error) {
      const ms = performance.now() - startedAtMs;
      const traceId = job.headers["traceparent"]?.split("-")[1];
      const site = { service: this.queue, method: "work", node: this.#name(), ms, traceId };
      running.outcome = [Kind.failed, this.queue, id, token, toWireError(error, site)];
      this.#say(running.outcome);
    }
  }

  async #handle(
    { id, token, abort }: Running,
    job: { payload: Uint8Array; headers: Headers; dueAtMs: number },
  ): Promise<unknown> {
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
    for (const { outcome } of this.#running.values()) if (outcome !== undefined) this.#say(outcome);
  }

  /** A queue that was opened late, or again, learns of this worker and of its outcomes. */
  #again(): void {
    if (this.#session.session.state === "up") this.#ready();
  }

  #say(message: Message): void {
    tell(this.#session.session, VERB_WORK, message);
  }

  #name(): string {
    return this.#options.name ?? this.#options.node ?? nodeName();
  }
}

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
