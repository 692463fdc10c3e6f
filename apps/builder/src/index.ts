export type { Build, BuildLimits, BuildOptions, FinishedBuild, SpanFunction } from "./build.ts";
export type { BuildError, BuildErrorCode, BuildPhase } from "./build-error.ts";
export type { BuildLine } from "./step-run.ts";
