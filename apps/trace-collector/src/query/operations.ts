import type { OperationRow } from "../api.ts";
import { KINDS } from "../trace.ts";
import { type Range, rangeOf } from "./range.ts";
import type { Readers } from "./readers.ts";

/** Buckets of durations for each doubling: an edge is 4.4 % above the one before. */
const PER_DOUBLING = 16;

const SQL = `SELECT o.service, o.name, o.kind, b.* FROM (
    SELECT op, CAST(log2(max(duration_ns, 1)) * ${PER_DOUBLING} AS INTEGER) AS bucket, sum(weight) AS n,
      sum(weight * (status = 2)) AS errors, sum(weight * duration_ns) AS total,
      sum(weight * self_ns) AS self, max(duration_ns) AS longest, trace_id,
      max(CASE WHEN status = 2 THEN trace_id END) AS failed, min(start_us) AS first, max(start_us) AS last
    FROM spans s WHERE RANGE GROUP BY op, bucket) b JOIN ops o ON o.id = b.op
  WHERE ?1 IS NULL OR o.service = ?1`;

interface Tally {
  readonly service: string;
  readonly operation: string;
  readonly kind: string;
  readonly buckets: Map<number, { n: number; traceId: string }>;
  count: number;
  errors: number;
  totalNs: number;
  selfNs: number;
  longestNs: number;
  slowest: string;
  error: string | undefined;
  firstUs: number;
  lastUs: number;
}

/** Rate, errors, percentiles and self time of every operation of a range, by total self time. */
export function operations(
  readers: Readers,
  range: Range & { readonly service?: string },
): OperationRow[] {
  const { where, parameters } = rangeOf(range, 2);
  const tallies = new Map<string, Tally>();
  const sql = SQL.replace("RANGE", where);
  for (const row of readers.rows(sql, [range.service ?? null, ...parameters], range)) {
    const [service, operation] = [String(row["service"]), String(row["name"])];
    const kind = KINDS[Number(row["kind"])] ?? "internal";
    const key = JSON.stringify([service, operation, kind]);
    const tally = tallies.get(key) ?? emptyTally(service, operation, kind);
    tallies.set(key, tally);
    addRow(tally, row);
  }
  const rows = [...tallies.values()].map((tally) => toRow(tally, range));
  return rows.toSorted((a, b) => b.selfMs - a.selfMs);
}

const emptyTally = (service: string, operation: string, kind: string): Tally => ({
  service,
  operation,
  kind,
  buckets: new Map(),
  count: 0,
  errors: 0,
  totalNs: 0,
  selfNs: 0,
  longestNs: -1,
  slowest: "",
  error: undefined,
  firstUs: Number.MAX_SAFE_INTEGER,
  lastUs: 0,
});

function addRow(tally: Tally, row: Record<string, unknown>): void {
  const traceId = hex(row["trace_id"]);
  const bucket = tally.buckets.get(Number(row["bucket"])) ?? { n: 0, traceId };
  bucket.n += Number(row["n"]);
  tally.buckets.set(Number(row["bucket"]), bucket);
  tally.count += Number(row["n"]);
  tally.errors += Number(row["errors"]);
  tally.totalNs += Number(row["total"]);
  tally.selfNs += Number(row["self"]);
  tally.firstUs = Math.min(tally.firstUs, Number(row["first"]));
  tally.lastUs = Math.max(tally.lastUs, Number(row["last"]));
  if (row["failed"] !== null) tally.error = hex(row["failed"]);
  if (Number(row["longest"]) > tally.longestNs) {
    tally.longestNs = Number(row["longest"]);
    tally.slowest = traceId;
  }
}

const hex = (value: unknown): string => Buffer.from(value as Uint8Array).toString("hex");

function toRow(tally: Tally, { fromMs, toMs }: Range): OperationRow {
  const buckets = [...tally.buckets].toSorted(([a], [b]) => a - b);
  const at = (share: number): { readonly ms: number; readonly traceId: string } => {
    let left = share * tally.count;
    for (const [bucket, { n, traceId }] of buckets) {
      left -= n;
      if (left > 0) continue;
      const ns = Math.min(2 ** ((bucket + 0.5) / PER_DOUBLING), tally.longestNs);
      return { ms: ns / 1e6, traceId };
    }
    return { ms: tally.longestNs / 1e6, traceId: tally.slowest };
  };
  const seconds = ((toMs ?? tally.lastUs / 1_000) - (fromMs ?? tally.firstUs / 1_000)) / 1_000;
  const median = at(0.5);
  return {
    service: tally.service,
    operation: tally.operation,
    kind: tally.kind,
    count: Math.round(tally.count),
    perSecond: tally.count / Math.max(seconds, 1),
    errors: Math.round(tally.errors),
    p50Ms: median.ms,
    p95Ms: at(0.95).ms,
    p99Ms: at(0.99).ms,
    totalMs: tally.totalNs / 1e6,
    selfMs: tally.selfNs / 1e6,
    exemplars: {
      p50: median.traceId,
      slowest: tally.slowest,
      ...(tally.error !== undefined && { error: tally.error }),
    },
  };
}
