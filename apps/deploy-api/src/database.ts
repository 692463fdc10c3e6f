import {
  DatabaseSync,
  type SQLInputValue,
  type SQLOutputValue,
  type StatementSync,
} from "node:sqlite";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS apps (
    name TEXT PRIMARY KEY, origin TEXT NOT NULL, created_at_ms INTEGER NOT NULL, release TEXT,
    born_of TEXT
  ) STRICT;
  CREATE TABLE IF NOT EXISTS deploys (
    id TEXT PRIMARY KEY, app TEXT NOT NULL, source TEXT NOT NULL, state TEXT NOT NULL,
    key TEXT UNIQUE, created_at_ms INTEGER NOT NULL, finished_at_ms INTEGER, release TEXT,
    build TEXT, failure TEXT, traceparent TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS deploys_app ON deploys (app, created_at_ms);
  CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, deploy TEXT NOT NULL, at_ms INTEGER NOT NULL,
    phase TEXT NOT NULL, status TEXT NOT NULL, message TEXT NOT NULL, ms INTEGER
  ) STRICT;
  CREATE INDEX IF NOT EXISTS events_deploy ON events (deploy, seq);
  CREATE TABLE IF NOT EXISTS instances (
    id TEXT PRIMARY KEY, app TEXT NOT NULL, release TEXT NOT NULL, desired TEXT, observed TEXT
  ) STRICT;
  CREATE INDEX IF NOT EXISTS instances_app ON instances (app, release);
`;

/** A row as SQLite gives it. */
export type Row = Record<string, SQLOutputValue>;

/** The one SQLite file that holds the platform's state. Its owner is the only writer. */
export class Database implements Disposable {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  /** @param file made when it does not exist */
  constructor(file: string) {
    this.#db = new DatabaseSync(file);
    this.#db.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;",
    );
    this.#db.exec(SCHEMA);
  }

  /** Rows of a query. */
  all(sql: string, ...parameters: SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...parameters);
  }

  /** The first row of a query. */
  one(sql: string, ...parameters: SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...parameters);
  }

  /** Runs a change. @returns the number of the inserted row */
  run(sql: string, ...parameters: SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...parameters).lastInsertRowid);
  }

  /** Several changes that are safe together or not at all. */
  transaction<T>(change: () => T): T {
    this.#db.exec("BEGIN IMMEDIATE");
    try {
      const result = change();
      this.#db.exec("COMMIT");
      return result;
    } catch (error) {
      this.#db.exec("ROLLBACK");
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.#db.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }
}
