import type { Headers } from "@zeroplane/link";
import { PatternError } from "../errors.ts";
import {
  type AddOptions,
  ATTEMPTS_MAX,
  DELAY_MS_MAX,
  type JobRecord,
  KEY_CHARACTERS_MAX,
  PRIORITY_MAX,
  rankOf,
  TIMEOUT_MS,
} from "./job.ts";

/** What is in a new job. */
export interface JobContent {
  readonly id: string;
  readonly payload: Uint8Array;
  readonly headers: Headers;
}

/** The record of a new job. */
export function newRecord(content: JobContent, job: AddOptions, nowMs: number): JobRecord {
  const { delayMs = 0, priority = 0 } = job;
  const dueAtMs = nowMs + delayMs;
  return {
    id: content.id,
    key: job.key,
    keyTtlMs: job.keyTtlMs ?? 0,
    serial: job.serial,
    payload: content.payload,
    headers: content.headers,
    priority,
    timeoutMs: job.timeoutMs ?? TIMEOUT_MS,
    addedAtMs: nowMs,
    attemptsMax: job.attemptsMax ?? ATTEMPTS_MAX,
    dueAtMs,
    rank: rankOf(dueAtMs, priority),
    place: 0,
    state: delayMs > 0 ? "delayed" : "ready",
    attempt: 0,
    failures: 0,
    crashes: 0,
    worker: undefined,
    result: undefined,
    errors: [],
    finishedAtMs: undefined,
  };
}

/** Of a job that is added with no option. */
export const NO_OPTIONS: AddOptions = Object.freeze({});

/** @throws PatternError ERR_BAD_OPTION naming the option that is out of its bounds */
export function checkOptions(options: AddOptions, keepMs: number): void {
  if (options === NO_OPTIONS) return;
  within("delayMs", options.delayMs, [0, DELAY_MS_MAX]);
  within("priority", options.priority, [-PRIORITY_MAX, PRIORITY_MAX]);
  within("attemptsMax", options.attemptsMax, [1, 1_000_000]);
  within("timeoutMs", options.timeoutMs, [1, DELAY_MS_MAX]);
  within("keyTtlMs", options.keyTtlMs, [0, keepMs]);
  within("key: length", options.key?.length, [1, KEY_CHARACTERS_MAX]);
  within("serial: length", options.serial?.length, [1, KEY_CHARACTERS_MAX]);
}

/** @throws PatternError ERR_BAD_OPTION */
export function within(
  name: string,
  value: number | undefined,
  [min, max]: readonly [number, number],
): void {
  if (value === undefined || (value >= min && value <= max)) return;
  throw new PatternError("ERR_BAD_OPTION", `${name} is ${value}: from ${min} to ${max}`);
}
