import type { ComparedOperation, ComparedSide, Comparison, SpanFilter } from "../api.ts";
import { conditionOf } from "./matching.ts";
import type { Readers } from "./readers.ts";

/** One side of a comparison: a trace, or all spans that a filter finds. */
export type Side = { readonly traceId: string } | SpanFilter;

interface Sums {
  readonly traces: number;
  readonly operations: ReadonlyMap<string, ComparedSide>;
}

const NOTHING: ComparedSide = { spans: 0, errors: 0, totalMs: 0, selfMs: 0 };

/** Where two traces or two populations spend their time; the largest change of self time a trace comes first. */
export function compare(readers: Readers, sideA: Side, sideB: Side): Comparison {
  const [sumsA, sumsB] = [sumsOf(readers, sideA), sumsOf(readers, sideB)];
  const keys = new Set([...sumsA.operations.keys(), ...sumsB.operations.keys()]);
  const operations = [...keys].map((key): ComparedOperation => {
    const [service = "", operation = ""] = JSON.parse(key) as string[];
    const a = sumsA.operations.get(key) ?? NOTHING;
    const b = sumsB.operations.get(key) ?? NOTHING;
    const change = b.selfMs / Math.max(sumsB.traces, 1) - a.selfMs / Math.max(sumsA.traces, 1);
    return { service, operation, a, b, selfMsPerTraceChange: change };
  });
  operations.sort((x, y) => Math.abs(y.selfMsPerTraceChange) - Math.abs(x.selfMsPerTraceChange));
  return { traces: { a: sumsA.traces, b: sumsB.traces }, operations };
}

function sumsOf(readers: Readers, side: Side): Sums {
  const operations = new Map<string, ComparedSide>();
  let traces = 0;
  const range = "traceId" in side ? {} : side;
  for (const { db } of readers.within(range.fromMs, range.toMs)) {
    const { where, parameters } =
      "traceId" in side
        ? { where: "s.trace_id = ?", parameters: [Buffer.from(side.traceId, "hex")] }
        : conditionOf(db, side);
    const count = db.prepare(`SELECT count(DISTINCT s.trace_id) AS n FROM spans s WHERE ${where}`);
    traces += Number(count.get(...parameters)?.["n"]);
    const sql = `SELECT o.service, o.name, count(*) AS spans, sum(s.status = 2) AS errors, sum(s.duration_ns) AS total,
      sum(s.self_ns) AS self FROM spans s JOIN ops o ON o.id = s.op WHERE ${where} GROUP BY o.service, o.name`;
    for (const row of db.prepare(sql).iterate(...parameters)) {
      const key = JSON.stringify([row["service"], row["name"]]);
      const before = operations.get(key) ?? NOTHING;
      operations.set(key, {
        spans: before.spans + Number(row["spans"]),
        errors: before.errors + Number(row["errors"]),
        totalMs: before.totalMs + Number(row["total"]) / 1e6,
        selfMs: before.selfMs + Number(row["self"]) / 1e6,
      });
    }
  }
  return { traces: "traceId" in side ? Math.min(traces, 1) : traces, operations };
}
