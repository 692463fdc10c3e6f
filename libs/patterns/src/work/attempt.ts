import type { Headers } from "@zeroplane/link";
import type { PatternError } from "../errors.ts";

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

/** The right to run a job, and its fencing token. */
export type Lease = readonly [id: string, token: number];
/** How an attempt went, as it is said to the queue. */
export type Outcome = readonly [kind: number, id: string, token: number, value: unknown];

/** A job as it comes from the queue. */
export type Given = readonly [
  id: string,
  token: number,
  payload: Uint8Array,
  headers: Headers | null,
  dueAtMs: number,
];

/** One attempt of a job. */
export class Attempt implements JobContext {
  readonly id: string;
  readonly attempt: number;
  readonly headers: Headers;
  readonly #tell: (attempt: Attempt, value: unknown) => void;
  /** Made when somebody asks for its signal: few handlers do. */
  #abort: AbortController | undefined;
  #reason: unknown;
  /** Said once the handler ended, and again until the queue has it safe. */
  outcome: Outcome | undefined;

  constructor([id, token, , headers]: Given, tell: (attempt: Attempt, value: unknown) => void) {
    this.id = id;
    this.attempt = token;
    this.headers = headers ?? {};
    this.#tell = tell;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#reason !== undefined) this.#abort.abort(this.#reason);
    }
    return this.#abort.signal;
  }

  get lease(): Lease {
    return [this.id, this.attempt];
  }

  progress(value: unknown): void {
    this.#tell(this, value);
  }

  abort(reason: PatternError): void {
    this.#reason ??= reason;
    this.#abort?.abort(reason);
  }
}
