export type { LedgerEntry, LogEntry, LogQuery } from "./log-entry.ts";
export type { Logs, TailQuery } from "./logs.ts";
export type { LogHub } from "./wiring.ts";
