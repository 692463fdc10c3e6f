const RETRYABLE = {
  /** A queue, feed or state of that name is not there. */
  ERR_UNKNOWN_NAME: true,
  /** The job is not there, or is in a state that does not allow this. */
  ERR_JOB_STATE: false,
  /** The job was cancelled. */
  ERR_JOB_CANCELLED: false,
  /** The workers that ran the job vanished too often. */
  ERR_JOB_LOST: false,
  /** The job ran longer than it may. */
  ERR_JOB_TIMEOUT: true,
  /** The worker was stopped while it ran the job. */
  ERR_WORKER_STOPPED: true,
  /** A stated limit was reached. */
  ERR_OVERLOADED: true,
  /** The value is not at the version that was expected. */
  ERR_CONFLICT: true,
  /** The state does not let this process set the key. */
  ERR_READ_ONLY: false,
  /** Nobody answered within the deadline. */
  ERR_TIMEOUT: true,
  /** The disk would not take it: it is full, or cannot be written to. */
  ERR_DISK_FULL: true,
  /** Used after `close()`. */
  ERR_CLOSED: false,
} as const;

/** Stable code of a {@link PatternError}. */
export type PatternErrorCode = keyof typeof RETRYABLE;

/** The one error class of patterns. Recognise it by `code`. */
export class PatternError extends Error {
  override readonly name = "PatternError";
  readonly code: PatternErrorCode;
  readonly retryable: boolean;

  constructor(code: PatternErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = RETRYABLE[code];
  }
}
