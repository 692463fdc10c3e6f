const RETRYABLE = {
  /** No trace of that id; it may still be on its way. */
  ERR_NOT_FOUND: true,
  /** Bytes that are no OTLP spans. */
  ERR_OTLP: false,
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
