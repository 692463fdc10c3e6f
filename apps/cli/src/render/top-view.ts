import type { MethodStats, ProcessStats } from "@zeroplane/runtime/process";
import { clip, pad, padLeft, safe } from "./text.ts";
import { formatBytes, formatMs } from "./units.ts";

/** One look at one process. */
export interface ProcessView {
  readonly name: string;
  readonly stats: ProcessStats;
  readonly methods: readonly (MethodStats & { readonly perSecond: number })[];
  /** Its sessions, with what their links tell. */
  readonly sessions: readonly Readonly<Record<string, unknown>>[];
}

/** One line of the table, not yet coloured. */
export interface Line {
  readonly text: string;
  readonly kind: "head" | "plain" | "bad";
}

const OWN = /\b_?process\.\w+$/;
const NAME_LEAST = 14;
const NAME_MOST = 40;
const COLUMN = 9;
const COLUMNS = 6;

/** Processes, and below each one its methods, the busiest first. */
export function linesOf(views: readonly ProcessView[], width: number): Line[] {
  const left = width - COLUMN * COLUMNS - 3;
  const nameWidth = Math.max(NAME_LEAST, Math.min(NAME_MOST, left));
  return views.flatMap((view) => [head(view), ...methodLines(view, nameWidth)]);
}

function head({ name, stats, sessions }: ProcessView): Line {
  const waiting = sum(sessions, "queuedBytes");
  const unacknowledged = sum(sessions, "inFlightBytes");
  const credits = sessions.map(({ creditBytes }) => creditBytes).filter(isNumber);
  const facts = [
    `pid ${stats.pid}`,
    `${formatBytes(stats.memoryBytes)}`,
    `loop ${Math.round(stats.loopBusy * 100)} %`,
    `${stats.sessions} sessions`,
    `waiting ${formatBytes(waiting)}`,
    `unacknowledged ${formatBytes(unacknowledged)}`,
    ...(credits.length > 0 ? [`least credit ${formatBytes(Math.min(...credits))}`] : []),
  ];
  return { text: `${safe(name)}  ${facts.join("  ")}`, kind: "head" };
}

const isNumber = (value: unknown): value is number => typeof value === "number";

function sum(sessions: ProcessView["sessions"], key: string): number {
  return sessions.reduce((total, { [key]: value }) => {
    return total + (isNumber(value) ? value : 0);
  }, 0);
}

function methodLines({ methods }: ProcessView, nameWidth: number): Line[] {
  const shown = methods
    .filter(({ method }) => !OWN.test(method))
    .toSorted((a, b) => b.perSecond - a.perSecond || b.calls - a.calls);
  if (shown.length === 0) return [{ text: "  no calls yet", kind: "plain" }];
  const row = (name: string, cells: readonly string[]): string =>
    `  ${pad(clip(name, nameWidth), nameWidth)}${cells.map((cell) => padLeft(cell, COLUMN)).join("")}`;
  const title: Line = {
    text: row("METHOD", ["/S", "CALLS", "FAILED", "P50", "P99", "OUT"]),
    kind: "plain",
  };
  const lines = shown.map(({ method, perSecond, calls, failed, p50Ms, p99Ms, bytesOut }): Line => {
    const cells = [
      perSecond.toFixed(perSecond < 10 ? 1 : 0),
      String(calls),
      String(failed),
      formatMs(p50Ms),
      formatMs(p99Ms),
      formatBytes(bytesOut),
    ];
    return { text: row(safe(method), cells), kind: failed > 0 ? "bad" : "plain" };
  });
  return [title, ...lines];
}
