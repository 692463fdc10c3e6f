/** Every way running an instance fails on the platform's side, and whether trying again can help. */
const RETRYABLE = {
  /** The artifact could not be fetched. */
  ERR_RUNNER_FETCH: true,
  /** What was fetched is not what its digest says. */
  ERR_RUNNER_DIGEST: true,
  /** The artifact cannot be unpacked. */
  ERR_RUNNER_UNPACK: false,
  /** No port is free. */
  ERR_RUNNER_PORTS: true,
  /** The process could not be started. */
  ERR_RUNNER_SPAWN: true,
} as const;

/** Stable code of a {@link RunnerError}; every code stands in docs/errors.md. */
export type RunnerErrorCode = keyof typeof RETRYABLE;

/** The one error class of the runner. Recognise it by `code`, never by `instanceof`. */
export class RunnerError extends Error {
  override readonly name = "RunnerError";
  readonly code: RunnerErrorCode;
  /** True when the same thing may succeed later. */
  readonly retryable: boolean;

  /**
   * @param code what went wrong, from a closed list
   * @param message one line that names the thing and the way out
   * @param options `cause`, when something else failed first
   */
  constructor(code: RunnerErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = RETRYABLE[code];
  }
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
