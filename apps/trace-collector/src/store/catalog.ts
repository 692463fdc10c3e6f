import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { CONNECTION } from "./schema.ts";

/** Pins: traces that are kept for ever. */
export class Catalog implements Disposable {
  readonly #db: DatabaseSync;

  constructor(data: string) {
    this.#db = new DatabaseSync(join(data, "catalog.db"), CONNECTION);
    this.#db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
      CREATE TABLE IF NOT EXISTS pins (trace_id BLOB PRIMARY KEY, at_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;`);
  }

  pin(traceId: Uint8Array): void {
    this.#db
      .prepare("INSERT INTO pins VALUES (?, ?) ON CONFLICT DO NOTHING")
      .run(traceId, Date.now());
  }

  unpin(traceId: Uint8Array): void {
    this.#db.prepare("DELETE FROM pins WHERE trace_id = ?").run(traceId);
  }

  pins(): Uint8Array[] {
    return this.#db
      .prepare("SELECT trace_id FROM pins")
      .all()
      .map((row) => row["trace_id"] as Uint8Array);
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}
