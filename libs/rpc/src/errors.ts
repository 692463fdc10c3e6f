const RETRYABLE = {
  /** No answer in time; it may still have happened. */
  ERR_DEADLINE: false,
  /** The peer vanished with the call; it may have happened. */
  ERR_LOST_REMOTE: false,
  /** Nobody was there to call; it did not happen. */
  ERR_UNAVAILABLE: true,
  /** The service has no such method. */
  ERR_NO_METHOD: false,
  /** The arguments cannot travel, or are not what the method takes. */
  ERR_INVALID_ARGUMENTS: false,
  /** The result cannot travel. */
  ERR_INVALID_RESULT: false,
  /** This caller may not do that. */
  ERR_FORBIDDEN: false,
  /** A stated limit was reached; it did not happen. */
  ERR_OVERLOADED: true,
  /** Bytes that make no sense. */
  ERR_PROTOCOL: false,
  /** Used after `close()`. */
  ERR_CLOSED: false,
  /** The caller cancelled. */
  ERR_CANCELLED: false,
} as const;

/** Stable code of an {@link RpcError}. */
export type RpcErrorCode = keyof typeof RETRYABLE;

/**
 * What can go wrong between a caller and a method, beside what the method itself throws (that
 * arrives as RemoteError). Recognise it by `code`.
 */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code: RpcErrorCode;
  /** True when the call surely did not happen and may be made again. */
  readonly retryable: boolean;
  /** More on it, when there is: the issues of arguments that do not fit. */
  readonly data?: unknown;

  constructor(
    code: RpcErrorCode,
    message: string,
    options?: ErrorOptions & { readonly data?: unknown },
  ) {
    super(message, options);
    this.code = code;
    this.retryable = RETRYABLE[code];
    if (options?.data !== undefined) this.data = options.data;
  }
}
