const RETRYABLE = {
  /** No trace of that id; it may still be on its way. */
  ERR_NOT_FOUND: true,
  /** Bytes that are no OTLP. */
  ERR_OTLP: false,
  /** Bytes that are no rows of calls. */
  ERR_CALLS: false,
  /** Bytes that are no report of open spans. */
  ERR_OPEN: false,
  /** A message of a kind that is not known. */
  ERR_KIND: false,
  /** A message beyond the limit. */
  ERR_TOO_LARGE: false,
  /** A content type or encoding that is not taken. */
  ERR_MEDIA_TYPE: false,
  /** Too much waits to be stored. */
  ERR_BUSY: true,
  /** No room, and nothing that may go. */
  ERR_STORE_FULL: true,
  /** A parameter of a query that cannot be understood. */
  ERR_QUERY: false,
  /** The store has ended. */
  ERR_CLOSED: true,
} as const;

/** Stable code of a {@link TraceError}. */
export type TraceErrorCode = keyof typeof RETRYABLE;

/** What the trace collector refuses, and why. */
export class TraceError extends Error {
  override readonly name = "TraceError";
  readonly code: TraceErrorCode;
  readonly retryable: boolean;

  constructor(code: TraceErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = RETRYABLE[code];
  }
}
