import type { LogLine } from "@zeroplane/runtime";

/** One stored line. */
export interface LogEntry extends LogLine {
  /** Rises with each line that the hub has stored. */
  readonly seq: number;
  /** When it was said, milliseconds since 1970, by the clock of its process. */
  readonly atMs: number;
  readonly topic: string;
  /** The process that passed it on. */
  readonly node: string;
}

/** Which lines are wanted. Without any of them: all. */
export interface LogQuery {
  /** Lines of an app: its instances and its builds. */
  readonly app?: string;
  /** Lines of the build of one deploy. */
  readonly deploy?: string;
  /** Lines of one kind of process of the platform. */
  readonly service?: string;
  /** Lines that belong to a trace. */
  readonly traceId?: string;
}

/** What came, what was stored, what was lost: by process. */
export interface LedgerEntry {
  readonly node: string;
  readonly received: number;
  readonly stored: number;
  /** Lines that came again and were stored once. */
  readonly duplicates: number;
  /** Numbers that could not be had any more. */
  readonly lost: number;
}

/** True when a line is what `query` asks for. */
export function isWanted(query: LogQuery, topic: string, traceId: string | undefined): boolean {
  const [kind, name, last] = topic.split(".");
  if (query.app !== undefined && (kind === "service" || name !== query.app)) return false;
  if (query.deploy !== undefined && (kind !== "build" || last !== query.deploy)) return false;
  if (query.service !== undefined && (kind !== "service" || name !== query.service)) return false;
  return query.traceId === undefined || query.traceId === traceId;
}

// oxlint-disable-next-line no-control-regex -- control characters are what it is about
const CONTROL = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;

/** Text without control characters: a line must not move the cursor of whoever reads it. */
export const escapeControl = (text: string): string =>
  text.replace(CONTROL, (each) => `\\x${each.charCodeAt(0).toString(16).padStart(2, "0")}`);
