/** Exit codes of `zp`: stable, for scripts. */
export const EXIT = {
  ok: 0,
  failure: 1,
  /** The command line, or a name or value in it, cannot be. */
  usage: 2,
  /** A key is missing or not accepted. */
  auth: 3,
  /** No app, deploy, trace or method of that name. */
  notFound: 4,
  buildFailed: 10,
  /** It was built, but did not start, or is not served. */
  unhealthy: 11,
  /** Ended by Ctrl-C, or by a newer deploy. */
  cancelled: 12,
  /** Nobody answered: the same command may succeed later. */
  transient: 75,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const BY_CODE: Readonly<Record<string, ExitCode>> = {
  ERR_CLI_USAGE: EXIT.usage,
  ERR_CLI_NO_PLATFORM: EXIT.transient,
  ERR_CLI_NOBODY: EXIT.transient,
  ERR_CLI_KEYS: EXIT.auth,
  ERR_CLI_MODULE: EXIT.usage,
  ERR_CLI_CANCELLED: EXIT.cancelled,
  ERR_INVALID: EXIT.usage,
  ERR_INVALID_ARGUMENTS: EXIT.usage,
  ERR_NAME_IN_USE: EXIT.usage,
  ERR_INTROSPECT_ARGUMENTS: EXIT.usage,
  ERR_LINK_ENDPOINT: EXIT.usage,
  ERR_LINK_KEY: EXIT.auth,
  ERR_LINK_INSECURE: EXIT.auth,
  ERR_NOT_FOUND: EXIT.notFound,
  ERR_NO_METHOD: EXIT.notFound,
  ERR_INTROSPECT_METHOD: EXIT.notFound,
  ERR_SUPERSEDED: EXIT.cancelled,
  ERR_CANCELLED: EXIT.cancelled,
  ERR_DEADLINE: EXIT.transient,
  ERR_LOST_REMOTE: EXIT.transient,
};

/** The exit code for anything thrown: by its `code`, else by whether it may pass by itself. */
export function exitCodeOf(error: unknown): ExitCode {
  if (typeof error !== "object" || error === null) return EXIT.failure;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const known = Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : undefined;
  if (known !== undefined) return known;
  return "retryable" in error && error.retryable === true ? EXIT.transient : EXIT.failure;
}

/** The exit code of a deploy that failed in `phase`. */
export const exitCodeOfPhase = (phase: string): ExitCode =>
  phase === "build" ? EXIT.buildFailed : EXIT.unhealthy;
