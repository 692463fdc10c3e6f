export { Clock } from "./clock.ts";
export { Disk } from "./disk.ts";
export { type Crash, FUZZ_TARGETS, Fuzzer } from "./fuzz/fuzzer.ts";
export type { FuzzTarget, Input } from "./fuzz/target.ts";
export { Nemesis, type NemesisOptions, randomConditions } from "./nemesis.ts";
export { CALM, type Conditions, type Message, Network, type NetworkStats } from "./network.ts";
export { Random } from "./random.ts";
export { type Simulation, simulateSessions } from "./simulate-sessions.ts";
export { type Boot, type Host, type Program, World, type WorldOptions } from "./world.ts";
