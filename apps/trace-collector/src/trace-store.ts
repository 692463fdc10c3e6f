import {
  DatabaseSync,
  type SQLInputValue,
  type SQLOutputValue,
  type StatementSync,
} from "node:sqlite";
import type { DecodedSpan } from "./otlp.ts";
import type { SpanView, TraceQuery, TraceSummary } from "./trace.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS spans (
    trace_id BLOB NOT NULL, span_id BLOB NOT NULL, parent_id BLOB, service TEXT NOT NULL,
    node TEXT NOT NULL, name TEXT NOT NULL, kind INTEGER NOT NULL, start_us INTEGER NOT NULL,
    duration_ns INTEGER NOT NULL, status INTEGER NOT NULL, message TEXT NOT NULL,
    attributes TEXT NOT NULL, links TEXT NOT NULL,
    PRIMARY KEY (trace_id, span_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS spans_start ON spans (start_us);
`;

type Row = Record<string, SQLOutputValue>;

const KINDS = ["internal", "internal", "server", "client", "producer", "consumer"] as const;
const ERROR = 2;
const LIMIT = 20;
const LIMIT_MAX = 500;
const SEARCHED_MAX = 100_000;
const TRIM_SHARE = 0.1;

/** What the store keeps. */
export interface Retention {
  readonly ms: number;
  readonly bytes: number;
}

/** Spans in one SQLite file; a span that comes again is stored once. */
export class TraceStore implements Disposable {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #retention: Retention;

  constructor(file: string, retention: Retention) {
    this.#retention = retention;
    this.#db = new DatabaseSync(file);
    this.#db.exec(
      "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;",
    );
    this.#db.exec(SCHEMA);
    this.#insert = this.#db.prepare(
      "INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    );
  }

  /** Stores spans in one transaction. @returns how many are new */
  add(spans: readonly DecodedSpan[]): number {
    let added = 0;
    this.#db.exec("BEGIN");
    try {
      for (const span of spans) added += Number(this.#insert.run(...toRow(span)).changes);
      this.#db.exec("COMMIT");
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
    return added;
  }

  /** Every span of a trace, by start. */
  get(traceId: string): SpanView[] {
    const sql = "SELECT * FROM spans WHERE trace_id = ? ORDER BY start_us, duration_ns DESC";
    return this.#db.prepare(sql).all(Buffer.from(traceId, "hex")).map(toSpan);
  }

  /** Traces with a span that fits, newest first. */
  list(query: TraceQuery): TraceSummary[] {
    const { where, parameters } = conditions(query);
    const limit = Math.min(query.limit ?? LIMIT, LIMIT_MAX);
    const sql = `SELECT trace_id, max(start_us) AS newest FROM
      (SELECT * FROM spans WHERE ${where} ORDER BY start_us DESC LIMIT ${SEARCHED_MAX})
      GROUP BY trace_id ORDER BY newest DESC LIMIT ?`;
    const found = this.#db.prepare(sql).all(...parameters, limit);
    return found.map((row) => this.#summary(row["trace_id"] as Uint8Array));
  }

  /** Lets go of what is too old, and of the oldest when there is too much. @returns how many */
  trim(nowMs: number): number {
    const beforeUs = (nowMs - this.#retention.ms) * 1_000;
    let gone = this.#delete(beforeUs);
    if (this.bytes > this.#retention.bytes) {
      const range = this.#db.prepare(
        "SELECT min(start_us) AS low, max(start_us) AS high FROM spans",
      );
      const { low, high } = range.get() as { low: number; high: number };
      gone += this.#delete(low + (high - low) * TRIM_SHARE);
    }
    return gone;
  }

  /** Bytes in use. */
  get bytes(): number {
    const number = (pragma: string): number =>
      Number(Object.values(this.#db.prepare(`PRAGMA ${pragma}`).get() ?? {})[0] ?? 0);
    return (number("page_count") - number("freelist_count")) * number("page_size");
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #delete(beforeUs: number): number {
    const sql = "DELETE FROM spans WHERE start_us < ?";
    return Number(this.#db.prepare(sql).run(Math.floor(beforeUs)).changes);
  }

  #summary(id: Uint8Array): TraceSummary {
    const traceId = Buffer.from(id).toString("hex");
    const spans = this.get(traceId);
    const known = new Set(spans.map(({ spanId }) => spanId));
    const root = spans.find(({ parentId }) => parentId === undefined || !known.has(parentId));
    const startMs = spans[0]?.startMs ?? 0;
    const endMs = Math.max(...spans.map((span) => span.startMs + span.durationMs));
    return {
      traceId,
      name: root?.name ?? "?",
      service: root?.service ?? "?",
      startMs,
      durationMs: endMs - startMs,
      spans: spans.length,
      services: new Set(spans.map(({ service }) => service)).size,
      errors: spans.filter(({ error }) => error !== undefined).length,
    };
  }
}

function conditions({ service, name, minMs, error }: TraceQuery): {
  readonly where: string;
  readonly parameters: SQLInputValue[];
} {
  const parts = ["1"];
  const parameters: SQLInputValue[] = [];
  const add = (part: string, parameter: SQLInputValue | undefined): void => {
    if (parameter === undefined) return;
    parts.push(part);
    parameters.push(parameter);
  };
  add("service = ?", service);
  add("name = ?", name);
  add("duration_ns >= ?", minMs === undefined ? undefined : Math.round(minMs * 1e6));
  add("status = ?", error === true ? ERROR : undefined);
  return { where: parts.join(" AND "), parameters };
}

function toRow(span: DecodedSpan): SQLInputValue[] {
  return [
    span.traceId,
    span.spanId,
    span.parentId ?? null,
    span.service,
    span.node,
    span.name,
    span.kind,
    span.startNs / 1_000n,
    span.endNs - span.startNs,
    span.status,
    span.statusMessage,
    JSON.stringify(span.attributes),
    JSON.stringify(span.links),
  ];
}

function toSpan(row: Row): SpanView {
  const hex = (value: Row[string] | undefined): string =>
    value instanceof Uint8Array ? Buffer.from(value).toString("hex") : "";
  const attributes = JSON.parse(String(row["attributes"])) as Record<string, unknown>;
  const type = attributes["error.type"];
  return {
    spanId: hex(row["span_id"]),
    ...(row["parent_id"] !== null && { parentId: hex(row["parent_id"]) }),
    service: String(row["service"]),
    node: String(row["node"]),
    name: String(row["name"]),
    kind: KINDS[Number(row["kind"])] ?? "internal",
    startMs: Number(row["start_us"]) / 1_000,
    durationMs: Number(row["duration_ns"]) / 1e6,
    ...(row["status"] === ERROR && {
      error: { message: String(row["message"]), ...(typeof type === "string" && { type }) },
    }),
    attributes,
    links: JSON.parse(String(row["links"])) as SpanView["links"],
  };
}
