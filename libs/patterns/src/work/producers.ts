import { type Headers, type Session, toWireError } from "@zeroplane/link";
import type { Message } from "../channel.ts";
import { PatternError } from "../errors.ts";
import type { JobRecord, JobState } from "./job.ts";
import type { QueueAddOptions, QueueStats } from "./job-queue.ts";
import { Kind } from "./protocol.ts";
import { say } from "./say.ts";
import type { ScheduleOptions } from "./schedules.ts";

/** How a producer in another process adds a job. */
export interface ProducerAddOptions extends QueueAddOptions {
  /** Makes it the same job when it is asked for again. */
  readonly id?: string;
  /** Trace context. */
  readonly headers?: Headers;
}

/** What a queue does for producers in other processes. Payloads and results are encoded. */
export interface ServedQueue {
  readonly name: string;
  add(payload: Uint8Array, options: ProducerAddOptions): Promise<JobRecord>;
  get(id: string): JobRecord | undefined;
  list(states: readonly JobState[], count: number): JobRecord[];
  /** The job, once it has ended. */
  ended(id: string, timeoutMs: number): Promise<JobRecord>;
  cancel(id: string): Promise<void>;
  retry(id: string): Promise<void>;
  schedule(name: string, payload: Uint8Array, options: ScheduleOptions): Promise<void>;
  unschedule(name: string): Promise<boolean>;
  stats(): QueueStats;
}

/** Jobs that one answer lists at most. */
const LIST_MAX = 1_000;

type Run = (queue: ServedQueue, args: readonly unknown[]) => unknown;

const OPERATIONS: Readonly<Record<string, Run>> = {
  add: (queue, [payload, options]) =>
    queue.add(payload as Uint8Array, (options ?? {}) as ProducerAddOptions),
  get: (queue, [id]) => queue.get(String(id)),
  list: (queue, [states, count]) =>
    queue.list(states as JobState[], Math.min(LIST_MAX, Number(count))),
  ended: (queue, [id, timeoutMs]) => queue.ended(String(id), Number(timeoutMs)),
  cancel: (queue, [id]) => queue.cancel(String(id)),
  retry: (queue, [id]) => queue.retry(String(id)),
  schedule: (queue, [name, payload, options]) =>
    queue.schedule(String(name), payload as Uint8Array, options as ScheduleOptions),
  unschedule: (queue, [name]) => queue.unschedule(String(name)),
  stats: (queue) => queue.stats(),
};

/** Questions of one session whose answers are kept, for when they are asked again. */
const ANSWERS_MAX = 1_024;

/** What producers in other processes ask of a queue, and what they are answered. */
export class ProducerDesk {
  readonly #queue: ServedQueue | undefined;
  readonly #answers = new WeakMap<Session, Map<unknown, Promise<Message>>>();

  /** @param queue without one every question is refused */
  constructor(queue: ServedQueue | undefined) {
    this.#queue = queue;
  }

  /** Does what is asked, once: a producer that has no answer yet asks again under the same number. */
  async ask(session: Session, question: Message): Promise<void> {
    const [, , number] = question;
    const answers = this.#answers.get(session) ?? new Map<unknown, Promise<Message>>();
    this.#answers.set(session, answers);
    const answer = answers.get(number) ?? answerOf(session, question, this.#queue);
    answers.set(number, answer);
    for (const oldest of answers.keys()) {
      if (answers.size <= ANSWERS_MAX) break;
      answers.delete(oldest);
    }
    // A producer that takes no answers asks again when it does.
    say(session, await answer);
  }
}

async function answerOf(
  session: Session,
  [, name, number, operation, args]: Message,
  queue: ServedQueue | undefined,
): Promise<Message> {
  let answer: readonly unknown[];
  try {
    if (queue === undefined) {
      const message = `queue ${name} takes no jobs from others: open it with producers: true`;
      throw new PatternError("ERR_REFUSED", message);
    }
    const run = OPERATIONS[String(operation)];
    if (run === undefined || !Array.isArray(args)) {
      throw new PatternError("ERR_BAD_OPTION", `queue ${name} knows no ${String(operation)}`);
    }
    answer = [null, (await run(queue, args)) ?? null];
  } catch (error) {
    const site = { service: name, method: String(operation), node: session.peer.node, ms: 0 };
    answer = [toWireError(error, { ...site, traceId: undefined }), null];
  }
  return [Kind.answer, name, number, ...answer];
}
