import type { WireError } from "@zeroplane/link";
import { PatternError, type PatternErrorCode } from "../errors.ts";
import { ERRORS_KEPT, type JobRecord, type JobState } from "./job.ts";

/** Keeps what went wrong with a job, the newest 10. */
export function note(job: JobRecord, error: WireError): void {
  job.errors = [...job.errors, error].slice(-ERRORS_KEPT);
}

/** What went wrong with a job that its worker did not say. */
export function problem(code: PatternErrorCode, message: string): WireError {
  return { name: "PatternError", code, message, retryable: true, hops: [] };
}

/** The job is not there, or not in a state that allows this. */
export function wrongState(
  id: string,
  job: JobRecord | undefined,
  wanted?: JobState,
): PatternError {
  const but = wanted === undefined ? "" : `, not ${wanted}`;
  return new PatternError("ERR_JOB_STATE", `job ${id} is ${job?.state ?? "not known"}${but}`);
}
