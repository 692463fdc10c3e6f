import { randomInt } from "node:crypto";
import {
  compose,
  type DialOptions,
  decode,
  encode,
  type Interceptor,
  nodeName,
  type Operation,
  toWireError,
} from "@zeroplane/link";
import { type Message, sessionTo, type To } from "../channel.ts";
import { PatternError } from "../errors.ts";
import { attach, UNKNOWN } from "../names.ts";
import { VERB_WORK } from "../verbs.ts";
import { Attempt, type Given, type JobContext, type Lease, type Outcome } from "./attempt.ts";
import { batches } from "./batches.ts";
import { within } from "./new-job.ts";
import { BODY_BYTES_MAX, Kind, rowsOf } from "./protocol.ts";
import { say } from "./say.ts";

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

/** Why a lease was taken back. */
const REVOKED: Readonly<Record<string, PatternError>> = {
  ERR_JOB_CANCELLED: new PatternError("ERR_JOB_CANCELLED", "the job was cancelled"),
  ERR_JOB_TIMEOUT: new PatternError("ERR_JOB_TIMEOUT", "the job ran longer than it may"),
};
const LOST = new PatternError("ERR_JOB_LOST", "somebody else has it");
const BODY_BYTES = [0, BODY_BYTES_MAX] as const;
/** Numbers of messages begin below: what is added to them stays exact. */
const NUMBER_MAX = 2 ** 47;
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
  /** By id: of two leases of a job the later one counts. */
  readonly #running = new Map<string, Attempt>();
  readonly #tell = ({ id, attempt }: Attempt, value: unknown): void =>
    this.#say([Kind.progress, this.queue, id, attempt, value]);
  readonly #detach: () => void;
  readonly #stopWatching: () => void;
  readonly #repeat: NodeJS.Timeout;
  /** What was said and is not settled, by the number of its message. */
  readonly #said = new Map<number, readonly Outcome[]>();
  /** No number of another worker that had this session before. */
  #number = randomInt(NUMBER_MAX);
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
    for (const attempt of this.#running.values()) {
      attempt.abort(new PatternError("ERR_WORKER_STOPPED", `worker ${this.#name()} stops`));
    }
    await this.#idle(ABORT_MS);
    const left = [...this.#running.values()].filter(({ outcome }) => outcome === undefined);
    this.#release(left.map(({ lease }) => lease));
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
    if (kind === Kind.settled) return this.#settled(rows);
    const leases = rowsOf(rows) as readonly (Lease & Given)[];
    if (kind === Kind.revoke) for (const lease of leases) this.#revoke(lease, lease[2]);
    else if (kind === Kind.jobs && this.#stopping) this.#release(leases);
    else if (kind === Kind.jobs) for (const given of leases) this.#take(given);
  }

  #take(given: Given): void {
    const [id, token] = given;
    const before = this.#running.get(id);
    if (before?.attempt === token) return;
    // He says under a newer token that nobody waits for the attempt before.
    before?.abort(LOST);
    const attempt = new Attempt(given, this.#tell);
    this.#running.set(id, attempt);
    void this.#run(attempt, given);
  }

  #settled(numbers: unknown): void {
    for (const number of Array.isArray(numbers) ? numbers : []) {
      for (const [, id, token] of this.#said.get(number) ?? []) this.#forget([id, token]);
      this.#said.delete(number);
    }
  }

  /** @returns the attempt of that lease, which is nobody's business any more */
  #forget([id, token]: Lease): Attempt | undefined {
    const attempt = this.#running.get(id);
    if (attempt?.attempt !== token) return undefined;
    this.#running.delete(id);
    return attempt;
  }

  #revoke(lease: Lease, code: unknown): void {
    this.#forget(lease)?.abort(REVOKED[String(code)] ?? LOST);
  }

  /** Gives back what was not begun, or not ended in time. */
  #release(leases: readonly Lease[]): void {
    for (const lease of leases) this.#forget(lease);
    const rows = leases.map(([id, token]) => [id, token]);
    if (rows.length > 0) this.#say([Kind.release, this.queue, rows]);
  }

  async #run(attempt: Attempt, given: Given): Promise<void> {
    const [id, token] = given;
    const startedAtMs = performance.now();
    try {
      const value =
        this.#interceptor === undefined
          ? await this.#handler(decode(given[2]) as Payload, attempt)
          : await this.#intercepted(this.#interceptor, attempt, given);
      const result = encode(value);
      within("result: bytes", result.length, BODY_BYTES);
      this.#ended(attempt, [Kind.done, id, token, result]);
    } catch (error) {
      const ms = performance.now() - startedAtMs;
      const traceId = attempt.headers["traceparent"]?.split("-")[1];
      const site = { service: this.queue, method: "work", node: this.#name(), ms, traceId };
      this.#ended(attempt, [Kind.failed, id, token, toWireError(error, site)]);
    }
  }

  #ended(attempt: Attempt, outcome: Outcome): void {
    // A lease that was taken back is nobody's business any more.
    if (this.#running.get(attempt.id) !== attempt) return;
    attempt.outcome = outcome;
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
      const those = outcomes.filter((outcome) => outcome[0] === kind);
      for (const batch of batches(those, sizeOf)) {
        this.#said.set(++this.#number, batch);
        this.#say([kind, this.queue, batch.map(rowOf), this.#number]);
      }
    }
  }

  #intercepted(interceptor: Interceptor, attempt: Attempt, given: Given): Promise<unknown> {
    const [, token, payload, , dueAtMs] = given;
    const operation: Operation = {
      verb: "work",
      side: "consumer",
      name: this.queue,
      headers: attempt.headers,
      peer: this.#session.session.peer.node,
      attributes: { "zp.attempt": token, "zp.queue_ns": Math.max(0, Date.now() - dueAtMs) * 1e6 },
    };
    return interceptor(operation, async () => this.#handler(decode(payload) as Payload, attempt));
  }

  #ready(): void {
    const leases = [...this.#running.values()].map(({ lease }) => lease);
    this.#say([Kind.ready, this.queue, this.#credit, leases, this.#options.name ?? ""]);
    this.#said.clear();
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

const rowOf = ([, id, token, value]: Outcome): readonly unknown[] => [id, token, value];

/** Bytes of a result; an error has few. */
const sizeOf = ([, , , value]: Outcome): number => (value instanceof Uint8Array ? value.length : 0);

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
