const RETRYABLE = {
  /** A queue, feed or state of that name is not there. */
  ERR_UNKNOWN_NAME: true,
  /** A topic that has no words, an empty word, or is too long. */
  ERR_BAD_TOPIC: false,
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
  /** The job has failed for good: `cause` says how its last attempt went. */
  ERR_JOB_DEAD: false,
  /** Its owner does not take this from other processes. */
  ERR_REFUSED: false,
  /** The session ended before the answer: it may have been done, or not. */
  ERR_LOST: false,
  /** An option is out of its bounds. */
  ERR_BAD_OPTION: false,
  /** The disk under a store has no room. */
  ERR_STORE_FULL: true,
  /** The file of a store cannot be read or written. */
  ERR_STORE: false,
  /** A stated limit was reached. */
  ERR_OVERLOADED: true,
  /** A follower took its messages more slowly than it may. */
  ERR_LAGGED: true,
  /** The value is not at the version that was expected. */
  ERR_CONFLICT: true,
  /** Nobody answered within the deadline. */
  ERR_TIMEOUT: true,
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
