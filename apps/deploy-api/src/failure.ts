import { framesOf } from "@zeroplane/link";
import type { BuildFailure, DeployFailure, Phase } from "./model.ts";

const HINTS: Readonly<Record<Phase, string>> = {
  build: "see its last lines above, mend it, and deploy again",
  start: "the app must listen on the port that the environment variable PORT names",
  route: "see the routers with: zp status",
  verify: "see the routers with: zp status, and the app with: zp logs",
  retire: "see the runners with: zp status",
};

interface Told {
  readonly code?: unknown;
  readonly data?: unknown;
}

/** What is recorded of the error that ended a deploy in `phase`. */
export function toFailure(phase: Phase, error: unknown): DeployFailure {
  const told: Told = typeof error === "object" && error !== null ? error : {};
  const { hint, lastLines } = dataOf(told.data);
  return {
    phase,
    code: typeof told.code === "string" ? told.code : "ERR_UNKNOWN",
    message: error instanceof Error ? error.message : String(error),
    hint: hint ?? HINTS[phase],
    ...(error instanceof Error && { traceback: tracebackOf(error) }),
    ...(lastLines !== undefined && { lastLines }),
  };
}

/** A remote error's stack already goes through every process; of a local one our frames are folded. */
function tracebackOf(error: Error): string {
  if ("hops" in error) return error.stack ?? error.message;
  const frames = framesOf(error.stack).map((frame) => `    ${frame}`);
  return [`${error.name}: ${error.message}`, ...frames].join("\n");
}

const dataOf = (data: unknown): BuildFailure =>
  typeof data === "object" && data !== null ? (data as BuildFailure) : {};
