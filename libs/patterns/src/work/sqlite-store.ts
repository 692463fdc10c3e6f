import { DatabaseSync, type SQLOutputValue, type StatementSync } from "node:sqlite";
import { decode, encode } from "@zeroplane/link";
import type { JobRecord, JobState } from "./job.ts";
import { EMPTY_COUNT, type JobStore } from "./store.ts";

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, key TEXT, state TEXT NOT NULL, priority INTEGER NOT NULL,
    due_at_ms INTEGER NOT NULL, added_at_ms INTEGER NOT NULL, finished_at_ms INTEGER,
    body BLOB NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS jobs_key ON jobs (key) WHERE finished_at_ms IS NULL;
  CREATE INDEX IF NOT EXISTS jobs_claim ON jobs (priority DESC, due_at_ms, added_at_ms)
    WHERE state IN ('ready', 'delayed');
  CREATE INDEX IF NOT EXISTS jobs_state ON jobs (state, added_at_ms);
`;

type Row = Record<string, SQLOutputValue>;

/** Keeps jobs in one SQLite file (WAL, synchronous FULL): what was committed survives power loss. */
export class SqliteStore implements JobStore {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #inTurn = false;

  /** @param file made when it does not exist; `:memory:` for tests */
  constructor(file: string) {
    this.#db = new DatabaseSync(file);
    this.#db.exec(
      "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;",
    );
    this.#db.exec(SCHEMA);
  }

  begin(): void {
    if (this.#inTurn) return;
    this.#db.exec("BEGIN IMMEDIATE");
    this.#inTurn = true;
  }

  commit(): void {
    if (!this.#inTurn) return;
    this.#db.exec("COMMIT");
    this.#inTurn = false;
  }

  get(id: string): JobRecord | undefined {
    return this.#one("SELECT body FROM jobs WHERE id = ?", id);
  }

  byKey(key: string): JobRecord | undefined {
    return this.#one("SELECT body FROM jobs WHERE key = ? AND finished_at_ms IS NULL", key);
  }

  put(job: JobRecord): void {
    this.#prepare(`INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (id) DO UPDATE SET state = excluded.state, due_at_ms = excluded.due_at_ms,
        finished_at_ms = excluded.finished_at_ms, body = excluded.body`).run(
      job.id,
      job.key ?? null,
      job.state,
      job.priority,
      job.dueAtMs,
      job.addedAtMs,
      job.finishedAtMs ?? null,
      encode(job),
    );
  }

  claimable(nowMs: number, count: number): JobRecord[] {
    const sql = `SELECT body FROM jobs WHERE state IN ('ready', 'delayed') AND due_at_ms <= ?
      ORDER BY priority DESC, due_at_ms, added_at_ms LIMIT ?`;
    return this.#prepare(sql).all(nowMs, count).map(toJob);
  }

  nextDueAtMs(): number | undefined {
    const row = this.#prepare(
      "SELECT min(due_at_ms) AS due FROM jobs WHERE state = 'delayed'",
    ).get();
    return typeof row?.["due"] === "number" ? row["due"] : undefined;
  }

  list(states: readonly JobState[], count: number): JobRecord[] {
    const marks = states.map(() => "?").join(", ");
    const sql = `SELECT body FROM jobs WHERE state IN (${marks}) ORDER BY added_at_ms DESC, rowid DESC
      LIMIT ?`;
    return this.#prepare(sql)
      .all(...states, count)
      .map(toJob);
  }

  count(): Readonly<Record<JobState, number>> {
    const counts = { ...EMPTY_COUNT };
    for (const row of this.#prepare("SELECT state, count(*) AS n FROM jobs GROUP BY state").all()) {
      counts[row["state"] as JobState] = Number(row["n"]);
    }
    return counts;
  }

  forget(beforeMs: number): number {
    return Number(this.#prepare("DELETE FROM jobs WHERE finished_at_ms < ?").run(beforeMs).changes);
  }

  [Symbol.dispose](): void {
    this.commit();
    this.#db.close();
  }

  #one(sql: string, parameter: string): JobRecord | undefined {
    const row = this.#prepare(sql).get(parameter);
    return row === undefined ? undefined : toJob(row);
  }

  #prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql) ?? this.#db.prepare(sql);
    this.#statements.set(sql, known);
    return known;
  }
}

/** Properties that are absent come back as `undefined`, which is what they were. */
const toJob = (row: Row): JobRecord => decode(row["body"] as Uint8Array) as JobRecord;
