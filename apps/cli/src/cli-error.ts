const RETRYABLE = {
  /** The command line, or a name, folder or value in it, cannot be. */
  ERR_CLI_USAGE: false,
  /** No platform is running where it was looked for. */
  ERR_CLI_NO_PLATFORM: true,
  /** A platform already runs in this data folder. */
  ERR_CLI_RUNNING: false,
  /** A port that was asked for is taken. */
  ERR_CLI_PORT: false,
  /** A process of the platform did not start. */
  ERR_CLI_START: false,
  /** Nothing listens at the endpoint. */
  ERR_CLI_NOBODY: true,
  /** What listens at the endpoint is no service. */
  ERR_CLI_PROTOCOL: false,
  /** The service wants keys that this command has not. */
  ERR_CLI_KEYS: false,
  /** There is no such module, or nothing in it that can be served. */
  ERR_CLI_MODULE: false,
  /** The module cannot be parsed, or throws while it is loaded. */
  ERR_CLI_LOAD: false,
  /** The service does not offer what the command needs. */
  ERR_CLI_UNSUPPORTED: false,
  /** Ended by Ctrl-C before it was done. */
  ERR_CLI_CANCELLED: false,
} as const;

/** Stable code of a {@link CliError}; every code stands in docs/errors.md. */
export type CliErrorCode = keyof typeof RETRYABLE;

/** What `zp` itself refuses or fails at. Recognise it by `code`. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly code: CliErrorCode;
  /** True when the same command may succeed later. */
  readonly retryable: boolean;

  /**
   * @param code what went wrong, from a closed list
   * @param message one line that names the thing and the way out
   */
  constructor(code: CliErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.retryable = RETRYABLE[code];
  }
}

/** Short for the error of a command line that cannot be. */
export const usage = (message: string): CliError => new CliError("ERR_CLI_USAGE", message);
