export type { MethodStats } from "./call-meter.ts";
export type { CallFilter, TappedCall } from "./call-tap.ts";
export { type ProcessFacts, ProcessInfo, type ProcessStats } from "./process-info.ts";
export type { ProfileFacts, ProfileOptions } from "./profiler.ts";
