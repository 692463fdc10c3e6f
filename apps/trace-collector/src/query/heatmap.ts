import type { Heatmap, SpanFilter } from "../api.ts";
import { conditionOf } from "./matching.ts";
import { rangeOf } from "./range.ts";
import type { Readers } from "./readers.ts";

const COLUMNS = 120;
/** Rows for each doubling of the duration. */
const PER_DOUBLING = 2;

const SQL = `SELECT CAST((s.start_us - ?) / ? AS INTEGER) AS at,
    CAST(log2(max(s.duration_ns, 1)) * ${PER_DOUBLING} AS INTEGER) AS level,
    count(*) AS spans, sum(s.status = 2) AS errors
  FROM spans s WHERE `;

/** How many of the spans that fit began when and took how long, counted by the database over the whole range. */
export function heatmap(readers: Readers, filter: SpanFilter): Heatmap {
  const { fromMs, toMs } = extentOf(readers, filter);
  const columnMs = Math.max((toMs - fromMs) / COLUMNS, 0.001);
  const cells = new Map<string, { at: number; level: number; spans: number; errors: number }>();
  for (const { db } of readers.within(fromMs, toMs)) {
    const { where, parameters } = conditionOf(db, { ...filter, fromMs, toMs });
    const sql = `${SQL}${where} GROUP BY 1, 2`;
    for (const row of db.prepare(sql).iterate(fromMs * 1_000, columnMs * 1_000, ...parameters)) {
      // What began at the very end belongs to the last column.
      const at = Math.min(Number(row["at"]), COLUMNS - 1);
      const level = Number(row["level"]);
      const key = `${at} ${level}`;
      const cell = cells.get(key) ?? { at, level, spans: 0, errors: 0 };
      cells.set(key, cell);
      cell.spans += Number(row["spans"]);
      cell.errors += Number(row["errors"]);
    }
  }
  return {
    fromMs,
    columnMs,
    columns: COLUMNS,
    cells: [...cells.values()].map(({ at, level, spans, errors }) => ({
      at,
      minMs: 2 ** (level / PER_DOUBLING) / 1e6,
      maxMs: 2 ** ((level + 1) / PER_DOUBLING) / 1e6,
      spans,
      errors,
    })),
  };
}

/** The range that was asked for; where it is open, that of the spans. */
function extentOf(
  readers: Readers,
  { fromMs, toMs }: SpanFilter,
): { readonly fromMs: number; readonly toMs: number } {
  if (fromMs !== undefined && toMs !== undefined) return { fromMs, toMs: Math.max(fromMs, toMs) };
  const range = { ...(fromMs !== undefined && { fromMs }), ...(toMs !== undefined && { toMs }) };
  const { where, parameters } = rangeOf(range);
  const sql = `SELECT min(s.start_us) AS first, max(s.start_us) AS last FROM spans s WHERE ${where}`;
  let [first, last] = [Number.POSITIVE_INFINITY, 0];
  for (const row of readers.rows(sql, parameters, range)) {
    if (row["first"] === null) continue;
    first = Math.min(first, Number(row["first"]) / 1_000);
    last = Math.max(last, Number(row["last"]) / 1_000);
  }
  const from = fromMs ?? (Number.isFinite(first) ? first : 0);
  return { fromMs: from, toMs: Math.max(from, toMs ?? last) };
}
