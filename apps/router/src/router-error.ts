/** Every answer the router gives itself, and the HTTP status it is given with. */
const STATUS = {
  /** The request cannot be understood or lacks a host. */
  ERR_ROUTER_BAD_REQUEST: 400,
  /** No route for this host. */
  ERR_ROUTER_UNKNOWN_HOST: 404,
  /** No instance accepted a connection. */
  ERR_ROUTER_CONNECT: 502,
  /** The instance hung up or answered something that is no HTTP. */
  ERR_ROUTER_UPSTREAM: 502,
  /** The app has no instance that may get requests. */
  ERR_ROUTER_NO_INSTANCE: 503,
  /** The instance did not answer in time. */
  ERR_ROUTER_TIMEOUT: 504,
  /** The router itself failed. */
  ERR_ROUTER_INTERNAL: 500,
} as const;

/** Stable code of a {@link RouterError}; every code stands in docs/errors.md. */
export type RouterErrorCode = keyof typeof STATUS;

/** The one error class of the router. Recognise it by `code`, never by `instanceof`. */
export class RouterError extends Error {
  override readonly name = "RouterError";
  readonly code: RouterErrorCode;
  /** Status of the answer the client gets. */
  readonly status: number;
  /** True when the same request may succeed later. */
  readonly retryable: boolean;

  /**
   * @param code what went wrong, from a closed list
   * @param message one line that names the app or host
   * @param options `cause`, when something else failed first
   */
  constructor(code: RouterErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.status = STATUS[code];
    this.retryable = this.status > 500;
  }
}

/** The `code` of anything thrown, else its message. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return "code" in error && typeof error.code === "string" ? error.code : error.message;
}
