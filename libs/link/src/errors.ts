/** Every way link refuses or fails, and whether trying again later can help. */
const RETRYABLE = {
  /** Bytes that are not a packet, a record or a value we accept. */
  ERR_LINK_PROTOCOL: false,
  /** A value that cannot travel: a function, a Map, an unsafe integer. */
  ERR_LINK_ENCODE: false,
  /** A stated limit was reached; nothing was sent. */
  ERR_LINK_OVERLOADED: true,
  /** Used after `close()`. */
  ERR_LINK_CLOSED: false,
  /** The peer was away longer than a session is kept, or came back without its memory. */
  ERR_LINK_LOST: true,
  /** The peer answered that it does not want this side; the message says why. */
  ERR_LINK_REFUSED: false,
  /** Nobody answered within the deadline. */
  ERR_LINK_TIMEOUT: true,
  /** An endpoint that cannot be bound or connected. */
  ERR_LINK_ENDPOINT: false,
  /** A key file or key that cannot be used. */
  ERR_LINK_KEY: false,
  /** A socket in a worker thread, which could abort the process. */
  ERR_LINK_THREAD: false,
  /** Binding beyond loopback without keys, or a trust check that does not hold. */
  ERR_LINK_INSECURE: false,
} as const;

/** Stable code of a {@link LinkError}; every code stands in docs/errors.md. */
export type LinkErrorCode = keyof typeof RETRYABLE;

/** The one error class of link. Recognise it by `code`, never by `instanceof`. */
export class LinkError extends Error {
  override readonly name = "LinkError";
  readonly code: LinkErrorCode;
  /** True when the same thing may succeed later. */
  readonly retryable: boolean;

  /**
   * @param code what went wrong, from a closed list
   * @param message one line that names the thing and the way out
   * @param options `cause`, when something else failed first
   */
  constructor(code: LinkErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = RETRYABLE[code];
  }
}

/** The `code` of anything thrown, when it has one. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error !== "object" || error === null || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
