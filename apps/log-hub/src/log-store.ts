import {
  DatabaseSync,
  type SQLInputValue,
  type SQLOutputValue,
  type StatementSync,
} from "node:sqlite";
import type { FeedItem } from "@zeroplane/patterns";
import type { LogLine } from "@zeroplane/runtime";
import { escapeControl, type LogEntry, type LogQuery } from "./log-entry.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS lines (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, at_ms INTEGER NOT NULL, topic TEXT NOT NULL,
    kind TEXT NOT NULL, name TEXT NOT NULL, part TEXT NOT NULL, node TEXT NOT NULL,
    epoch INTEGER NOT NULL, node_seq INTEGER NOT NULL, stream TEXT NOT NULL, level INTEGER,
    text TEXT NOT NULL, fields TEXT, trace_id TEXT, span_id TEXT
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS lines_origin ON lines (node, epoch, node_seq);
  CREATE INDEX IF NOT EXISTS lines_name ON lines (name, seq);
  CREATE INDEX IF NOT EXISTS lines_trace ON lines (trace_id, seq) WHERE trace_id IS NOT NULL;
  CREATE TABLE IF NOT EXISTS origins (
    node TEXT NOT NULL, epoch INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (node, epoch)
  ) STRICT;
`;

type Row = Record<string, SQLOutputValue>;

/** One line as it came. */
export type IncomingLine = Pick<
  FeedItem<LogLine>,
  "topic" | "node" | "epoch" | "seq" | "atMs" | "value"
>;

const TRIM_SHARE = 0.1;

/** Every line, in one SQLite file. A line that comes again is stored once. */
export class LogStore implements Disposable {
  readonly #db: DatabaseSync;
  readonly #insert: StatementSync;
  readonly #remember: StatementSync;
  readonly #bytesMax: number;
  dropped = 0;

  /** @param bytesMax size of the file beyond which the oldest tenth of the lines goes */
  constructor(file: string, bytesMax: number) {
    this.#bytesMax = bytesMax;
    this.#db = new DatabaseSync(file);
    this.#db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;");
    this.#db.exec(SCHEMA);
    this.#insert = this.#db.prepare(`INSERT INTO lines (at_ms, topic, kind, name, part, node, epoch,
      node_seq, stream, level, text, fields, trace_id, span_id)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`);
    this.#remember = this.#db.prepare(`INSERT INTO origins VALUES (?, ?, ?)
      ON CONFLICT (node, epoch) DO UPDATE SET last = max(last, excluded.last)`);
  }

  /** Stores lines in one transaction. @returns those that are new, with their numbers */
  add(lines: readonly IncomingLine[]): LogEntry[] {
    this.#db.exec("BEGIN");
    try {
      const added = lines.flatMap((line) => this.#add(line) ?? []);
      this.#db.exec("COMMIT");
      return added;
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  /** Number of the last line stored of one life of a process, 0 when there is none. */
  lastOf(node: string, epoch: number): number {
    const sql = "SELECT last FROM origins WHERE node = ? AND epoch = ?";
    return Number(this.#db.prepare(sql).get(node, epoch)?.["last"] ?? 0);
  }

  /** The newest `count` lines of `query` with a number after `after`, oldest first. */
  newest(query: LogQuery, after: number, count: number): LogEntry[] {
    const { where, parameters } = conditions(query, after);
    const sql = `SELECT * FROM lines WHERE ${where} ORDER BY seq DESC LIMIT ?`;
    return this.#db
      .prepare(sql)
      .all(...parameters, count)
      .map(toEntry)
      .reverse();
  }

  /** Lets the oldest lines go when the file is over its size. @returns how many */
  trim(): number {
    const pages = Number(this.#db.prepare("PRAGMA page_count").get()?.["page_count"]);
    const free = Number(this.#db.prepare("PRAGMA freelist_count").get()?.["freelist_count"]);
    const size = Number(this.#db.prepare("PRAGMA page_size").get()?.["page_size"]);
    if ((pages - free) * size <= this.#bytesMax) return 0;
    const range = this.#db.prepare("SELECT min(seq) AS low, max(seq) AS high FROM lines").get();
    const [low, high] = [Number(range?.["low"]), Number(range?.["high"])];
    const before = low + Math.ceil((high - low) * TRIM_SHARE);
    const gone = Number(this.#db.prepare("DELETE FROM lines WHERE seq < ?").run(before).changes);
    this.dropped += gone;
    return gone;
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #add({ topic, node, epoch, seq: nodeSeq, atMs, value }: IncomingLine): LogEntry | undefined {
    const [kind = "", name = "", part = ""] = topic.split(".");
    const text = escapeControl(value.text);
    const { changes, lastInsertRowid } = this.#insert.run(
      atMs,
      topic,
      kind,
      name,
      part,
      node,
      epoch,
      nodeSeq,
      value.stream,
      value.level ?? null,
      text,
      value.fields === undefined ? null : JSON.stringify(value.fields),
      value.traceId ?? null,
      value.spanId ?? null,
    );
    this.#remember.run(node, epoch, nodeSeq);
    return changes === 0
      ? undefined
      : { ...value, text, seq: Number(lastInsertRowid), atMs, topic, node };
  }
}

function conditions(
  query: LogQuery,
  after: number,
): { where: string; parameters: SQLInputValue[] } {
  const parts = ["seq > ?"];
  const parameters: SQLInputValue[] = [after];
  const add = (part: string, parameter: string | undefined): void => {
    if (parameter === undefined) return;
    parts.push(part);
    parameters.push(parameter);
  };
  add("kind <> 'service' AND name = ?", query.app);
  add("kind = 'build' AND part = ?", query.deploy);
  add("kind = 'service' AND name = ?", query.service);
  add("trace_id = ?", query.traceId);
  return { where: parts.join(" AND "), parameters };
}

function toEntry(row: Row): LogEntry {
  const { level, fields, trace_id, span_id } = row;
  return {
    seq: Number(row["seq"]),
    atMs: Number(row["at_ms"]),
    topic: String(row["topic"]),
    node: String(row["node"]),
    stream: String(row["stream"]) as LogEntry["stream"],
    text: String(row["text"]),
    ...(level !== null && { level: Number(level) }),
    ...(typeof fields === "string" && { fields: JSON.parse(fields) as Record<string, unknown> }),
    ...(typeof trace_id === "string" && { traceId: trace_id }),
    ...(typeof span_id === "string" && { spanId: span_id }),
  };
}
