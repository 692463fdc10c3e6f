import type { BuildFailure } from "@zeroplane/deploy-api";

/** Every way a build fails, and whether the same build may succeed later or elsewhere. */
const RETRYABLE = {
  /** The source is no archive, or holds paths or links that lead outside it. */
  ERR_BUILD_UNPACK: false,
  /** The source or the artifact is over a stated limit. */
  ERR_BUILD_LIMIT: false,
  /** Nothing in the source tells how to run it. */
  ERR_BUILD_DETECT: false,
  /** `zeroplane.json`, `Procfile` or `package.json` cannot be read as what it is. */
  ERR_BUILD_CONFIG: false,
  /** package-lock.json and package.json disagree. */
  ERR_BUILD_LOCKFILE: false,
  /** A program that a step needs is not there. */
  ERR_BUILD_TOOL: false,
  /** A step ended with an exit code or signal. */
  ERR_BUILD_STEP: false,
  /** A step was not done within its time. */
  ERR_BUILD_TIMEOUT: false,
  /** A package registry could not be reached. */
  ERR_BUILD_NETWORK: true,
  /** No room left on the builder's disk. */
  ERR_BUILD_DISK: true,
  /** The builder itself failed, not the source. */
  ERR_BUILD_INTERNAL: true,
  /** Somebody cancelled it. */
  ERR_BUILD_CANCELLED: false,
} as const;

/** Stable code of a {@link BuildError}; every code stands in docs/errors.md. */
export type BuildErrorCode = keyof typeof RETRYABLE;

/** What the builder was doing when the build failed. */
export type BuildPhase = "unpack" | "detect" | "install" | "build" | "package";

/** What is known of a failure beside its message. */
export interface BuildErrorDetails {
  readonly phase: BuildPhase;
  /** Name of the step of the plan. */
  readonly step?: string;
  readonly exitCode?: number;
  readonly signal?: string;
  /** The last lines of the step's output, oldest first, at most 100. */
  readonly lastLines?: readonly string[];
  /** What to do about it, one line. */
  readonly hint?: string;
  readonly cause?: unknown;
}

/** The one error class of builds. Recognise it by `code`, never by `instanceof`. */
export class BuildError extends Error {
  override readonly name = "BuildError";
  readonly code: BuildErrorCode;
  readonly phase: BuildPhase;
  readonly step: string | undefined;
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly lastLines: readonly string[];
  /** True when the same source may build later or on another builder. */
  readonly retryable: boolean;
  readonly hint: string | undefined;

  /**
   * @param code what went wrong, from a closed list
   * @param message one line that names the thing
   * @param details where it happened, what was seen last and what to do
   */
  constructor(code: BuildErrorCode, message: string, details: BuildErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.phase = details.phase;
    this.step = details.step;
    this.exitCode = details.exitCode;
    this.signal = details.signal;
    this.lastLines = (details.lastLines ?? []).slice(-100);
    this.retryable = RETRYABLE[code];
    this.hint = details.hint;
  }

  /** What crosses to whoever asked for the build. */
  get data(): BuildFailure {
    const { step, hint, lastLines } = this;
    return { lastLines, ...(step !== undefined && { step }), ...(hint !== undefined && { hint }) };
  }
}

/**
 * Turns whatever a phase threw into a {@link BuildError}; one that is already is returned as it is.
 * @param error what was thrown
 * @param phase what the builder was doing
 */
export function asBuildError(error: unknown, phase: BuildPhase): BuildError {
  if (error instanceof BuildError) return error;
  const details = { phase, cause: error };
  if (error instanceof Error && "code" in error && error.code === "ENOSPC") {
    return new BuildError("ERR_BUILD_DISK", "the builder has no room left on its disk", details);
  }
  const reason = error instanceof Error ? error.message : String(error);
  return new BuildError("ERR_BUILD_INTERNAL", `the builder failed to ${phase}: ${reason}`, details);
}
