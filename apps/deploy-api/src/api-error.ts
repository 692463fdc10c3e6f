const RETRYABLE = {
  /** No app, deploy or blob of that name. */
  ERR_NOT_FOUND: false,
  /** The name is taken by somebody else. */
  ERR_NAME_IN_USE: false,
  /** A name or value that cannot be. */
  ERR_INVALID: false,
  /** The bytes are not those that were announced. */
  ERR_DIGEST: true,
  /** Nobody is there to run or route the app. */
  ERR_NO_CAPACITY: true,
  /** The instances did not become healthy. */
  ERR_UNHEALTHY: false,
  /** The app does not answer through a router. */
  ERR_NOT_SERVED: false,
  /** The deploy was ended by a newer one. */
  ERR_SUPERSEDED: false,
} as const;

/** Stable code of an {@link ApiError}. */
export type ApiErrorCode = keyof typeof RETRYABLE;

/** What the deploy API refuses, and why. `data` tells the details. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ApiErrorCode;
  readonly retryable: boolean;
  readonly data: unknown;

  constructor(code: ApiErrorCode, message: string, data?: unknown) {
    super(message);
    this.code = code;
    this.retryable = RETRYABLE[code];
    this.data = data;
  }
}
