import { codeOf } from "@zeroplane/link";

/** An error as RFC 9457 problem details. */
export interface Problem {
  /** `urn:zeroplane:` and the code; docs/errors.md says what to do. */
  readonly type: string;
  /** Name of the error. */
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  /** True when the same thing may succeed later. */
  readonly retryable: boolean;
  readonly data?: unknown;
}

const STATUS: Readonly<Record<string, number>> = {
  ERR_INVALID_ARGUMENTS: 400,
  ERR_PROTOCOL: 400,
  ERR_FORBIDDEN: 403,
  ERR_NO_METHOD: 404,
  ERR_CANCELLED: 499,
  ERR_OVERLOADED: 503,
  ERR_UNAVAILABLE: 503,
  ERR_LOST_REMOTE: 502,
  ERR_DEADLINE: 504,
};
const FAILED = 500;

interface Told {
  readonly name?: unknown;
  readonly message?: unknown;
  readonly retryable?: unknown;
  readonly data?: unknown;
}

/** What a client is told of anything thrown: no stack, no path. */
export function problemOf(error: unknown): Problem {
  const { name, message, retryable, data } = (
    typeof error === "object" && error ? error : {}
  ) as Told;
  const code = codeOf(error) ?? "ERR_REMOTE";
  return {
    type: `urn:zeroplane:${code}`,
    title: typeof name === "string" ? name : "Error",
    status: STATUS[code] ?? FAILED,
    detail: typeof message === "string" ? message : String(error),
    code,
    retryable: retryable === true,
    ...(data !== undefined && { data }),
  };
}
