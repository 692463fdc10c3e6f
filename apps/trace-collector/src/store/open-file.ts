import { join } from "node:path";
import { DatabaseSync, type SQLOutputValue, type StatementSync } from "node:sqlite";
import type { OpenSpan, SpoolHole } from "@zeroplane/tracing/wire";
import { CONNECTION } from "./schema.ts";

/** A span that has not ended, as it is kept. */
export type HeldSpan = OpenSpan;

/** One life of a process, and when it said so. */
export interface Boot {
  readonly boot: string;
  readonly service: string;
  readonly node: string;
  /** By its own clock. */
  readonly seenMs: number;
  readonly everyMs: number;
  isLost: boolean;
}

/** File of what has not ended, in the folder of the store. */
export const OPEN_FILE = "open.db";

const SCHEMA = `
  PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 4194304;
  CREATE TABLE IF NOT EXISTS boots (
    boot TEXT PRIMARY KEY, service TEXT NOT NULL, node TEXT NOT NULL, seen_ms REAL NOT NULL,
    every_ms REAL NOT NULL, is_lost INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS open (
    span_id BLOB PRIMARY KEY, trace_id BLOB NOT NULL, parent_id BLOB, boot TEXT NOT NULL,
    name TEXT NOT NULL, kind INTEGER NOT NULL, start_ms REAL NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS open_trace ON open (trace_id);
  CREATE TABLE IF NOT EXISTS holes (
    boot TEXT PRIMARY KEY, service TEXT NOT NULL, node TEXT NOT NULL, spans INTEGER NOT NULL,
    bytes INTEGER NOT NULL, since_ms REAL NOT NULL, at_ms REAL NOT NULL
  ) STRICT, WITHOUT ROWID;
`;

const SQL = {
  addSpan: "INSERT OR REPLACE INTO open VALUES (?, ?, ?, ?, ?, ?, ?)",
  removeSpan: "DELETE FROM open WHERE span_id = ?",
  saveBoot: "INSERT OR REPLACE INTO boots VALUES (?, ?, ?, ?, ?, ?)",
  removeBoot: "DELETE FROM boots WHERE boot = ?",
  addHole: "INSERT OR REPLACE INTO holes VALUES (?, ?, ?, ?, ?, ?, ?)",
  trimHoles: `DELETE FROM holes WHERE boot NOT IN (SELECT boot FROM holes ORDER BY at_ms DESC LIMIT 1000)`,
} as const;

const NAME_MAX = 1_024;

/** What has not ended, on disk: it outlives the collector. At most 1 000 holes are kept. */
export class OpenFile implements Disposable {
  readonly #db: DatabaseSync;
  readonly #sql: Record<keyof typeof SQL, StatementSync>;

  constructor(data: string) {
    this.#db = new DatabaseSync(join(data, OPEN_FILE), CONNECTION);
    this.#db.exec(SCHEMA);
    const prepared = Object.entries(SQL).map(([name, sql]) => [name, this.#db.prepare(sql)]);
    this.#sql = Object.fromEntries(prepared) as Record<keyof typeof SQL, StatementSync>;
  }

  /** What was there when the collector ended. */
  load(): { readonly boot: Boot; readonly spans: readonly HeldSpan[] }[] {
    const spans = Map.groupBy(this.#db.prepare("SELECT * FROM open").all(), (row) => row["boot"]);
    const boots = this.#db.prepare("SELECT * FROM boots").all();
    return boots.map((row) => ({
      boot: toBoot(row),
      spans: (spans.get(row["boot"]) ?? []).map(toHeld),
    }));
  }

  /** Makes the changes of `run` together. */
  change(run: () => void): void {
    this.#db.exec("BEGIN");
    try {
      run();
      this.#db.exec("COMMIT");
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  addSpan(boot: string, { spanId, traceId, parentId, name, kind, startMs }: HeldSpan): void {
    const about = [boot, name.slice(0, NAME_MAX), Math.trunc(kind), startMs] as const;
    this.#sql.addSpan.run(spanId, traceId, parentId ?? null, ...about);
  }

  removeSpan(spanId: Uint8Array): void {
    this.#sql.removeSpan.run(spanId);
  }

  saveBoot({ boot, service, node, seenMs, everyMs, isLost }: Boot): void {
    this.#sql.saveBoot.run(boot, service, node, seenMs, everyMs, isLost ? 1 : 0);
  }

  removeBoot(boot: string): void {
    this.#sql.removeBoot.run(boot);
  }

  addHole({ boot, service, node }: Boot, hole: SpoolHole, nowMs: number): void {
    const { spans, bytes, sinceMs } = hole;
    const counts = [Math.trunc(spans), Math.trunc(bytes)] as const;
    this.#sql.addHole.run(boot, service, node, ...counts, sinceMs, nowMs);
    this.#sql.trimHoles.run();
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

type Row = Record<string, SQLOutputValue>;

/** A boot as it is stored. */
export const toBoot = (row: Row): Boot => ({
  boot: String(row["boot"]),
  service: String(row["service"]),
  node: String(row["node"]),
  seenMs: Number(row["seen_ms"]),
  everyMs: Number(row["every_ms"]),
  isLost: row["is_lost"] === 1,
});

/** An open span as it is stored. */
export const toHeld = (row: Row): HeldSpan => ({
  traceId: row["trace_id"] as Uint8Array,
  spanId: row["span_id"] as Uint8Array,
  parentId: row["parent_id"] instanceof Uint8Array ? row["parent_id"] : undefined,
  name: String(row["name"]),
  kind: Number(row["kind"]),
  startMs: Number(row["start_ms"]),
});
