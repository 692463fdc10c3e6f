import type { SQLInputValue } from "node:sqlite";
import type { SearchPage, SearchQuery, SearchRow } from "../api.ts";
import { TraceError } from "../trace-error.ts";
import { conditionOf } from "./matching.ts";
import { isOfTimeAlone, newestTraces } from "./newest-traces.ts";
import type { Reader, Readers, Row } from "./readers.ts";

const LIMIT = 20;
const LIMIT_MAX = 500;
const SUMMARY_SPANS_MAX = 200_000;

const UNCOUNTED = { spans: -1, traces: -1 };

/** Where a page ended: what it is sorted by, and the row. */
interface Cursor {
  readonly value: number;
  readonly traceId: string;
  readonly spanId: string;
  readonly totals: SearchPage["totals"];
}

const COLUMNS = { start: "s.start_us", duration: "s.duration_ns" } as const;

/**
 * One page of what fits, sorted over the whole range by the database. A trace stands once, with its newest
 * or longest span that fits; one that goes on over a full hour stands once an hour.
 * @throws TraceError ERR_QUERY when the cursor is none
 */
export function search(readers: Readers, query: SearchQuery): SearchPage {
  const cursor = query.cursor === undefined ? undefined : parseCursor(query.cursor);
  const limit = Math.max(1, Math.min(query.limit ?? LIMIT, LIMIT_MAX));
  const found: { readonly row: Row; readonly value: number }[] = [];
  const counted = { spans: 0, traces: 0 };
  const isCounted = cursor === undefined && query.totals !== false;
  const sort = query.sort ?? "start";
  for (const reader of readers.within(query.fromMs, query.toMs)) {
    const condition = conditionOf(reader.db, query);
    if (isCounted) count(reader, condition, counted);
    const last = found[limit];
    // Sorted by start, what is wholly older than a full page cannot be on it.
    if (sort === "start" && last !== undefined && reader.toMs * 1_000 < last.value) {
      if (!isCounted) break;
      continue;
    }
    const asked = { condition, cursor, limit: limit + 1 };
    const rows = isOfTimeAlone(query)
      ? newestTraces(reader.db, condition, { after: cursor, limit: limit + 1 })
      : pageOf(reader, { ...query, sort }, asked);
    found.push(...rows.map((row) => ({ row, value: Number(row["value"]) })));
    found.sort((a, b) => b.value - a.value || (keyOf(b.row) > keyOf(a.row) ? 1 : -1));
    found.length = Math.min(found.length, limit + 1);
  }
  const rows = found.slice(0, limit).map(({ row }) => toRow(row));
  const totals = isCounted ? counted : cursor?.totals;
  const next = found.length > limit ? found[limit - 1] : undefined;
  const isTraces = query.of !== "spans";
  return {
    rows: isTraces
      ? rows.map((row) => ({ ...row, trace: summaryOf(readers, row.traceId, row.startMs) }))
      : rows,
    ...(totals !== undefined && { totals }),
    ...(next !== undefined && { cursor: cursorOf(next.row, next.value, totals) }),
  };
}

interface PageAsked {
  readonly condition: ReturnType<typeof conditionOf>;
  readonly cursor: Cursor | undefined;
  readonly limit: number;
}

function pageOf(
  { db }: Reader,
  { of, sort = "start" }: SearchQuery,
  { condition, cursor, limit }: PageAsked,
): Row[] {
  const { where, parameters } = condition;
  const column = COLUMNS[sort];
  const isSpans = of === "spans";
  const columns = "s.trace_id, s.span_id, s.start_us, s.duration_ns, s.status, s.op";
  const after = cursor === undefined ? "1" : "(value, trace_id, span_id) < (?, ?, ?)";
  const from: SQLInputValue[] =
    cursor === undefined
      ? []
      : [cursor.value, Buffer.from(cursor.traceId, "hex"), Buffer.from(cursor.spanId, "hex")];
  const inner = isSpans
    ? `SELECT ${columns}, ${column} AS value FROM spans s WHERE ${where}`
    : `SELECT ${columns}, max(${column}) AS value FROM spans s WHERE ${where} GROUP BY s.trace_id`;
  const sql = `SELECT f.*, o.service, o.name FROM (SELECT * FROM (${inner}) WHERE ${after}
    ORDER BY value DESC, trace_id DESC, span_id DESC LIMIT ?) f JOIN ops o ON o.id = f.op`;
  return db.prepare(sql).all(...parameters, ...from, limit);
}

function count(
  { db }: Reader,
  { where, parameters }: PageAsked["condition"],
  into: { spans: number; traces: number },
): void {
  const sql = `SELECT count(*) AS spans, count(DISTINCT s.trace_id) AS traces FROM spans s WHERE ${where}`;
  const row = db.prepare(sql).get(...parameters);
  into.spans += Number(row?.["spans"]);
  into.traces += Number(row?.["traces"]);
}

const hex = (value: unknown): string => Buffer.from(value as Uint8Array).toString("hex");
const keyOf = (row: Row): string => hex(row["trace_id"]) + hex(row["span_id"]);

function toRow(row: Row): SearchRow {
  return {
    traceId: hex(row["trace_id"]),
    spanId: hex(row["span_id"]),
    service: String(row["service"]),
    operation: String(row["name"]),
    startMs: Number(row["start_us"]) / 1_000,
    durationMs: Number(row["duration_ns"]) / 1e6,
    error: row["status"] === 2,
  };
}

const HOURS_MS = 2 * 3_600_000;
const SUMMARY = `SELECT s.span_id, s.parent_id, s.start_us, s.duration_ns, s.status, o.service, o.name
  FROM spans s JOIN ops o ON o.id = s.op WHERE trace_id = ? ORDER BY start_us LIMIT ${SUMMARY_SPANS_MAX}`;

/** A trace in one line; spans within two hours of `nearMs` count. */
export function summaryOf(
  readers: Readers,
  traceId: string,
  nearMs: number,
): NonNullable<SearchRow["trace"]> {
  const near = { fromMs: nearMs - HOURS_MS, toMs: nearMs + HOURS_MS };
  const spans = [...readers.rows(SUMMARY, [Buffer.from(traceId, "hex")], near)];
  spans.sort((a, b) => Number(a["start_us"]) - Number(b["start_us"]));
  const known = new Set(spans.map((row) => hex(row["span_id"])));
  const root =
    spans.find((row) => row["parent_id"] === null) ??
    spans.find((row) => !known.has(hex(row["parent_id"]))) ??
    spans[0];
  const startMs = Number(spans[0]?.["start_us"]) / 1_000;
  const endMs = spans.reduce(
    (end, row) => Math.max(end, Number(row["start_us"]) / 1_000 + Number(row["duration_ns"]) / 1e6),
    0,
  );
  return {
    name: String(root?.["name"] ?? "?"),
    service: String(root?.["service"] ?? "?"),
    startMs,
    durationMs: endMs - startMs,
    spans: spans.length,
    services: new Set(spans.map((row) => row["service"])).size,
    errors: spans.filter((row) => row["status"] === 2).length,
  };
}

function cursorOf(row: Row, value: number, totals: SearchPage["totals"]): string {
  const { spans, traces } = totals ?? UNCOUNTED;
  const cursor = [value, hex(row["trace_id"]), hex(row["span_id"]), spans, traces];
  return Buffer.from(JSON.stringify(cursor)).toString("base64url");
}

function parseCursor(text: string): Cursor {
  try {
    const parts = JSON.parse(Buffer.from(text, "base64url").toString()) as unknown[];
    const [value, traceId, spanId, spans, traces] = parts;
    const numbers = [value, spans, traces].every((each) => Number.isSafeInteger(each));
    if (numbers && /^[\da-f]{32}$/.test(String(traceId)) && /^[\da-f]{16}$/.test(String(spanId))) {
      const isCounted = Number(spans) !== UNCOUNTED.spans;
      const totals = isCounted ? { spans: Number(spans), traces: Number(traces) } : undefined;
      return { value: Number(value), traceId: String(traceId), spanId: String(spanId), totals };
    }
  } catch {
    // Told of below.
  }
  throw new TraceError(
    "ERR_QUERY",
    "the cursor is none of a page before; leave it out for the first page",
  );
}
