import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { OpenPage, SpanHole } from "../api.ts";
import type { Attributes } from "../span.ts";
import { OPEN_FILE, toBoot, toHeld } from "../store/open-file.ts";
import { CONNECTION, READ_PRAGMAS } from "../store/schema.ts";
import type { StoredSpan } from "../store/trace-rows.ts";

const ROWS_MAX = 500;
const TRACE_SPANS_MAX = 10_000;
const HOLES_MAX = 100;
/** Says that a span has not ended: `open`, or `lost` when its process is gone. */
export const ATTR_UNFINISHED = "zp.unfinished";

const JOINED = "FROM open o JOIN boots b ON b.boot = o.boot";

/** Reads what has not ended. */
export class OpenReader implements Disposable {
  readonly #file: string;
  #db: DatabaseSync | undefined;

  constructor(data: string) {
    this.#file = join(data, OPEN_FILE);
  }

  /** Spans of a trace that have not ended, as if they had when their process was last heard of. */
  spansOf(traceId: Uint8Array): StoredSpan[] {
    const sql = `SELECT * ${JOINED} WHERE o.trace_id = ? ORDER BY start_ms LIMIT ${TRACE_SPANS_MAX}`;
    const rows = this.#open()?.prepare(sql).all(traceId) ?? [];
    return rows.map((row) => {
      const { service, node, seenMs, isLost } = toBoot(row);
      const { spanId, parentId, name, kind, startMs } = toHeld(row);
      const startUs = Math.round(startMs * 1_000);
      const attributes: Attributes = { [ATTR_UNFINISHED]: isLost ? "lost" : "open" };
      return {
        traceId: Buffer.from(traceId),
        spanId: Buffer.from(spanId),
        parentId: parentId && Buffer.from(parentId),
        service,
        node,
        name,
        kind,
        attributes,
        startUs,
        startSub: 0,
        // Those of a process that are open all end at the same time.
        durationNs: Math.max(0, Math.round(seenMs * 1_000) - startUs) * 1_000,
        links: [],
        status: 0,
        statusMessage: "",
        resource: { "service.name": service, "service.instance.id": node },
        selfNs: 0,
      };
    });
  }

  /** The longest open, and how many there are. */
  page(limit = ROWS_MAX): OpenPage {
    const db = this.#open();
    const rows =
      db?.prepare(`SELECT * ${JOINED} ORDER BY start_ms LIMIT ?`).all(Math.min(limit, ROWS_MAX)) ??
      [];
    const counts = db?.prepare(`SELECT count(*) AS n, total(is_lost) AS lost ${JOINED}`).get();
    const lost = Number(counts?.["lost"] ?? 0);
    return {
      open: Number(counts?.["n"] ?? 0) - lost,
      lost,
      rows: rows.map((row) => {
        const { service, node, seenMs, isLost } = toBoot(row);
        const { traceId, spanId, name, startMs } = toHeld(row);
        return {
          traceId: Buffer.from(traceId).toString("hex"),
          spanId: Buffer.from(spanId).toString("hex"),
          state: isLost ? "lost" : "open",
          service,
          node,
          operation: name,
          startMs,
          seenMs,
        };
      }),
    };
  }

  /** What is missing of processes that were killed, the newest first; at most 100. */
  holes(): SpanHole[] {
    const sql = `SELECT * FROM holes ORDER BY at_ms DESC LIMIT ${HOLES_MAX}`;
    const rows = this.#open()?.prepare(sql).all() ?? [];
    return rows.map((row) => ({
      service: String(row["service"]),
      node: String(row["node"]),
      spans: Number(row["spans"]),
      bytes: Number(row["bytes"]),
      sinceMs: Number(row["since_ms"]),
      atMs: Number(row["at_ms"]),
    }));
  }

  [Symbol.dispose](): void {
    this.#db?.close();
  }

  /** The writer makes the file, perhaps later. */
  #open(): DatabaseSync | undefined {
    if (this.#db !== undefined) return this.#db;
    try {
      const db = new DatabaseSync(this.#file, { ...CONNECTION, readOnly: true });
      db.exec(READ_PRAGMAS);
      if (db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'holes'").get() === undefined) {
        db.close();
        return undefined;
      }
      this.#db = db;
      return db;
    } catch {
      return undefined;
    }
  }
}
