/** Every way introspect refuses, and whether trying again later can help. */
const RETRYABLE = {
  /** The target cannot be served: a class, a proxy, a primitive. */
  ERR_INTROSPECT_TARGET: false,
  /** More members than {@link MEMBERS_MAX}. */
  ERR_INTROSPECT_LIMIT: false,
  /** The description has no method of that name. */
  ERR_INTROSPECT_METHOD: false,
  /** A word of a command line is missing, too many, or of the wrong type. */
  ERR_INTROSPECT_ARGUMENTS: false,
  /** A name that cannot stand in a `.d.ts` file. */
  ERR_INTROSPECT_NAME: false,
} as const;

/** Stable code of an {@link IntrospectError}. */
export type IntrospectErrorCode = keyof typeof RETRYABLE;

/** The one error class of introspect. Recognise it by `code`, never by `instanceof`. */
export class IntrospectError extends Error {
  override readonly name = "IntrospectError";
  readonly code: IntrospectErrorCode;
  /** True when the same thing may succeed later. */
  readonly retryable: boolean;

  /**
   * @param code what went wrong, from a closed list
   * @param message one line that names the thing and the way out
   * @param options `cause`, when something else failed first
   */
  constructor(code: IntrospectErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = RETRYABLE[code];
  }
}
