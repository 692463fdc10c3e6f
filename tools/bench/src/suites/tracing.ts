import { type CallCost, callCost } from "../tracing/calls.ts";
import { BenchCollector } from "../tracing/collector.ts";
import { type Ingested, ingest } from "../tracing/ingest.ts";
import { type PageTimes, pageTimes } from "../tracing/pages.ts";
import { queryTimes, searchableMs, type Times } from "../tracing/queries.ts";
import { type SpanCost, spanCost } from "../tracing/service.ts";
import type { Suite, SuiteReport } from "./suite.ts";

/** What tracing costs a service, the collector, and whoever looks. */
export interface TracingReport extends SuiteReport {
  /** Stored when the queries were asked. */
  readonly spans: number;
  readonly span: SpanCost;
  readonly call: CallCost;
  readonly roads: Ingested["roads"];
  readonly idleMb: number;
  readonly loadedMb: number;
  readonly searchableMs: number;
  readonly diskBytesPerSpan: number;
  /** Milliseconds, by query. */
  readonly queries: Readonly<Record<string, Times>>;
  readonly pages: PageTimes;
  /** Every figure that has a goal beside it. */
  readonly goals: readonly Goal[];
}

/** A figure and what it should be: at most, or at least. */
interface Goal {
  readonly what: string;
  readonly is: number;
  readonly goal: number;
  readonly atLeast?: true;
}

const QUICK = { spans: 1_000_000, rounds: 5, ms: 400, pageRounds: 3 };
const FULL = { spans: 10_000_000, rounds: 9, ms: 600, pageRounds: 9 };

async function run(isQuick: boolean): Promise<TracingReport> {
  const { spans, rounds, ms, pageRounds } = isQuick ? QUICK : FULL;
  const call = await callCost(rounds, ms);
  await BenchCollector.warm();
  await using collector = await BenchCollector.start();
  const idleMb = collector.usage().mb;
  const span = await spanCost(collector.pipe, rounds);
  const { roads, traceId } = await ingest(collector, spans, rounds);
  const loadedMb = collector.usage().mb;
  const stored = await collector.stored();
  const measured = {
    spans: stored.spans,
    span,
    call,
    roads,
    idleMb,
    loadedMb,
    searchableMs: await searchableMs(collector),
    queries: await queryTimes(collector, traceId),
    pages: await pageTimes(collector, pageRounds),
    diskBytesPerSpan: await diskBytesPerSpan(collector),
  };
  const goals = goalsOf(measured);
  return { suite: "tracing", ...measured, goals, ratios: ratiosOf(goals) };
}

/** Once what was written has settled: until then a part of it is on the disk twice. */
async function diskBytesPerSpan(collector: BenchCollector): Promise<number> {
  const { bytes, spans } = await collector.stored();
  return bytes / spans;
}

function goalsOf(of: Omit<TracingReport, "suite" | "goals" | "ratios">): Goal[] {
  const { span, call, roads, pages, queries } = of;
  const page = (count: number): number => pages.interactive?.[count]?.p50 ?? Number.NaN;
  const all: Goal[] = [
    { what: "a span in its service, us CPU", is: span.whole, goal: 10 },
    { what: "of that on the path of who makes it", is: span.onPath, goal: 3 },
    { what: "a call's client span, us CPU", is: call.cpuUsPerSpan, goal: 3 },
    {
      what: "calls a second, traced over untraced",
      is: call.on / call.off,
      goal: 0.5,
      atLeast: true,
    },
    { what: "HTTP: spans a second", is: roads.http.spansPerSecond, goal: 50_000, atLeast: true },
    { what: "HTTP: us CPU a span", is: roads.http.cpuUsPerSpan, goal: 15 },
    { what: "pipe: spans a second", is: roads.pipe.spansPerSecond, goal: 50_000, atLeast: true },
    { what: "pipe: us CPU a span", is: roads.pipe.cpuUsPerSpan, goal: 15 },
    { what: "memory idle, MB", is: of.idleMb, goal: 150 },
    { what: "memory loaded, MB", is: of.loadedMb, goal: 400 },
    { what: "found after, ms", is: of.searchableMs, goal: 2_000 },
    { what: "trace by id, p50 ms", is: queries["trace by id"]?.p50 ?? Number.NaN, goal: 2 },
    { what: "10 k spans interactive, p50 ms", is: page(10_000), goal: 500 },
    { what: "50 k spans interactive, p50 ms", is: page(50_000), goal: 1_000 },
    { what: "200 k spans interactive, p50 ms", is: page(200_000), goal: 2_500 },
    { what: "first load, kB gzip", is: (pages.firstLoadBytes ?? Number.NaN) / 1_000, goal: 120 },
  ];
  return all.filter(({ is }) => !Number.isNaN(is));
}

/** Over the goal, so that below 1 is better; of what should be large the goal over it. */
const ratiosOf = (goals: readonly Goal[]): Record<string, number> =>
  Object.fromEntries(
    goals.map(({ what, is, goal, atLeast }) => [
      what,
      Number((atLeast ? goal / is : is / goal).toPrecision(2)),
    ]),
  );

function table({ spans, call, diskBytesPerSpan, queries, pages, goals }: TracingReport): string {
  const lines = goals.map(({ what, is, goal, atLeast }) => {
    const isMet = atLeast ? is >= goal : is <= goal;
    const figures = `${figure(is).padStart(10)}  ${atLeast ? ">=" : "<="} ${figure(goal)}`;
    return `${what.padEnd(42)}${figures}${isMet ? "" : "  not reached"}`;
  });
  lines.push(
    `calls a second: ${figure(call.off)} without tracing, ${figure(call.on)} with it`,
    `zp.await_ns: ${figure(call.awaitUs)} us CPU of the ${figure(call.cpuUs)} us of a whole traced call`,
    `${spans} spans stored, ${Math.round(diskBytesPerSpan)} bytes a span on disk`,
  );
  for (const [name, { p50, p95 }] of Object.entries(queries))
    lines.push(`${name.padEnd(22)} p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`);
  for (const [count, { p50, p95 }] of Object.entries(pages.interactive ?? {}))
    lines.push(
      `page of ${count} spans`.padEnd(22) + ` p50 ${figure(p50)} ms, p95 ${figure(p95)} ms`,
    );
  if (pages.missing !== undefined) lines.push(`pages: not measured, ${pages.missing}`);
  return lines.join("\n");
}

const figure = (n: number): string =>
  n >= 100 ? Math.round(n).toLocaleString("en") : n.toPrecision(3);

/** A service, the trace collector and the pages, each in a process of its own. */
export const tracing: Suite<TracingReport> = { run, table };
