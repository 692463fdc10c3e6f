export type { InstanceLine } from "./instance.ts";
export type { RunnerError, RunnerErrorCode } from "./runner-error.ts";
export type { Supervisor, SupervisorOptions } from "./supervisor.ts";
