import { decode, parseWireError, RemoteError } from "@zeroplane/link";
import { PatternError } from "../errors.ts";
import { isFinal, type JobRecord } from "./job.ts";

/** A job as its owner sees it. */
export interface JobView<Payload, Result>
  extends Readonly<Omit<JobRecord, "payload" | "result" | "errors" | "rank" | "place">> {
  readonly payload: Payload;
  readonly result: Result | undefined;
  /** What went wrong so far, oldest first, at most 10. */
  readonly errors: readonly RemoteError[];
}

/** The view of a record. `payload` saves decoding it, when it is at hand. */
export function viewOf<Payload, Result>(
  job: JobRecord,
  payload = decode(job.payload) as Payload,
): JobView<Payload, Result> {
  return {
    id: job.id,
    key: job.key,
    keyTtlMs: job.keyTtlMs,
    serial: job.serial,
    payload,
    headers: job.headers,
    priority: job.priority,
    timeoutMs: job.timeoutMs,
    addedAtMs: job.addedAtMs,
    attemptsMax: job.attemptsMax,
    dueAtMs: job.dueAtMs,
    state: job.state,
    attempt: job.attempt,
    failures: job.failures,
    crashes: job.crashes,
    worker: job.worker,
    result: job.result === undefined ? undefined : (decode(job.result) as Result),
    errors: job.errors.map((error) => new RemoteError(parseWireError(error))),
    finishedAtMs: job.finishedAtMs,
  };
}

/** True when nothing more will happen to a job. */
export const hasEnded = (job: Pick<JobRecord, "state">): boolean => isFinal(job);

/**
 * What a job that has ended gave.
 * @throws PatternError ERR_JOB_DEAD with the last error as its cause, ERR_JOB_CANCELLED
 */
export function resultOf<Payload, Result>(job: JobView<Payload, Result>): Result {
  if (job.state === "done") return job.result as Result;
  if (job.state === "cancelled") {
    throw new PatternError("ERR_JOB_CANCELLED", `job ${job.id} was cancelled`);
  }
  const cause = job.errors.at(-1);
  const message = `job ${job.id} is dead after ${job.attempt} attempts: ${cause?.message ?? "?"}`;
  throw new PatternError("ERR_JOB_DEAD", message, { cause });
}
