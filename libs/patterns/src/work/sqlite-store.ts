import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { Rank } from "../heap.ts";
import { Ballast } from "./ballast.ts";
import { isFinal, type JobRecord, type JobState } from "./job.ts";
import { AHEAD_BYTES, AHEAD_JOBS, type Reading, ReadyAhead } from "./ready-ahead.ts";
import { opened, storeError } from "./sqlite-file.ts";
import {
  COLUMNS,
  changing,
  END,
  headOf,
  INSERT,
  LEASE,
  type Row,
  tailOf,
  toJob,
  UPDATE,
} from "./sqlite-rows.ts";
import {
  EMPTY_COUNT,
  FORGET_MAX,
  type JobCounts,
  type JobStore,
  type ScheduleRecord,
  type StoreHealth,
} from "./store.ts";

/** Keeps jobs in one SQLite file (WAL, synchronous FULL): what was committed survives power loss. */
export class SqliteStore implements JobStore {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #ballast: Ballast;
  readonly #ahead = new ReadyAhead();
  readonly #statements = new Map<string, StatementSync>();
  #counts: Record<JobState, number>;
  #quarantined: number;
  #inTurn = false;

  /**
   * @param file made when it does not exist; `:memory:` for tests
   * @throws PatternError ERR_STORE when it cannot be opened or written
   */
  constructor(file: string) {
    this.#file = file;
    this.#db = opened(file);
    try {
      this.#ballast = new Ballast(file);
      this.#counts = this.#counted();
      this.#quarantined = Number(this.#row("SELECT count(*) AS n FROM quarantine")?.["n"]);
    } catch (error) {
      this.#db.close();
      throw storeError(error, file);
    }
  }

  begin(): void {
    if (this.#inTurn) return;
    this.#ballast.restore(() => this.#shorten());
    this.#write(() => this.#db.exec("BEGIN IMMEDIATE"));
    this.#inTurn = true;
  }

  /** The write-ahead log keeps the length that it had when the disk ran full. */
  #shorten(): void {
    try {
      this.#db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    } catch {
      // There is no room to write it down: it stays as it is until there is.
    }
  }

  commit(): void {
    if (!this.#inTurn) return;
    this.#write(() => this.#db.exec("COMMIT"));
    this.#inTurn = false;
  }

  rollback(): void {
    this.#inTurn = false;
    // A full disk has rolled it back already.
    if (this.#db.isTransaction) this.#db.exec("ROLLBACK");
    this.#counts = this.#counted();
    this.#ahead.clear();
  }

  get(id: string): JobRecord | undefined {
    return this.#ahead.get(id) ?? this.#jobs(`SELECT ${COLUMNS} FROM jobs WHERE id = ?`, id)[0];
  }

  byKey(key: string): JobRecord | undefined {
    return this.#jobs(
      `SELECT ${COLUMNS} FROM jobs WHERE key = ? ORDER BY rowid DESC LIMIT 1`,
      key,
    )[0];
  }

  insert(job: JobRecord): void {
    const { id, key = null, serial = null } = job;
    const values = [id, key, serial, ...changing(job), headOf(job)];
    job.place = this.#write(() => Number(this.#prepare(INSERT).run(...values).lastInsertRowid));
    this.#counts[job.state]++;
    if (job.state === "ready") this.#ahead.add(job);
  }

  update(job: JobRecord, from: JobState): void {
    const { place, state } = job;
    if (state === "leased" && from === "ready")
      this.#run(LEASE, job.attempt, job.worker ?? null, place);
    else if (isFinal(job)) {
      const { failures, crashes, finishedAtMs = null } = job;
      this.#run(END, state, failures, crashes, finishedAtMs, tailOf(job), place);
    } else this.#run(UPDATE, ...changing(job), place);
    this.#counts[from]--;
    this.#counts[state]++;
    if (state === "ready") this.#ahead.add(job);
    else if (from === "ready") this.#ahead.delete(job);
  }

  claim(state: "ready" | "suspect", count: number): JobRecord[] {
    if (state === "ready") return this.#ahead.take(count, (from) => this.#ready(from));
    // The state is written out so that its partial index is used.
    return this.#jobs(
      `SELECT ${COLUMNS} FROM jobs WHERE state = 'suspect' ORDER BY rank, rowid LIMIT ?`,
      count,
    );
  }

  due(nowMs: number, count: number): JobRecord[] {
    if (this.#counts.delayed === 0) return [];
    return this.#jobs(
      `SELECT ${COLUMNS} FROM jobs WHERE state = 'delayed' AND due_at_ms <= ?
        ORDER BY due_at_ms LIMIT ?`,
      nowMs,
      count,
    );
  }

  hasSerial(serial: string): boolean {
    const sql = "SELECT 1 FROM jobs WHERE serial = ? AND finished_at_ms IS NULL LIMIT 1";
    return this.#row(sql, serial) !== undefined;
  }

  nextHeld(serial: string): JobRecord | undefined {
    return this.#jobs(
      `SELECT ${COLUMNS} FROM jobs WHERE serial = ? AND finished_at_ms IS NULL AND state = 'held'
        ORDER BY rowid LIMIT 1`,
      serial,
    )[0];
  }

  list(states: readonly JobState[], count: number): JobRecord[] {
    const marks = states.map(() => "?").join(", ");
    const sql = `SELECT ${COLUMNS} FROM jobs WHERE state IN (${marks}) ORDER BY rowid DESC LIMIT ?`;
    return this.#jobs(sql, ...states, Math.min(count, Number.MAX_SAFE_INTEGER));
  }

  count(): JobCounts {
    return { ...this.#counts };
  }

  newestMs(): number {
    const sql = `SELECT ${COLUMNS} FROM jobs ORDER BY rowid DESC LIMIT 1`;
    return this.#jobs(sql)[0]?.addedAtMs ?? 0;
  }

  forget(beforeMs: number, keepMax: number): number {
    const { done, dead, cancelled } = this.#counts;
    const beyond = Math.min(FORGET_MAX, Math.max(0, done + dead + cancelled - keepMax));
    const sql = `SELECT rowid AS place, state FROM jobs WHERE finished_at_ms IS NOT NULL
      AND finished_at_ms < ? ORDER BY finished_at_ms LIMIT ?`;
    const old =
      beyond > 0
        ? this.#rows(sql, Number.MAX_SAFE_INTEGER, beyond)
        : this.#rows(sql, beforeMs, FORGET_MAX);
    for (const { place, state } of old) {
      this.#run("DELETE FROM jobs WHERE rowid = ?", place as number);
      this.#counts[state as JobState]--;
    }
    return old.length;
  }

  schedules(): ScheduleRecord[] {
    return this.#rows("SELECT * FROM schedules ORDER BY name").map((row) => ({
      name: row["name"] as string,
      everyMs: row["every_ms"] as number,
      nextAtMs: row["next_at_ms"] as number,
      payload: row["payload"] as Uint8Array,
      options: row["options"] as Uint8Array,
    }));
  }

  putSchedule({ name, everyMs, nextAtMs, payload, options }: ScheduleRecord): void {
    const sql = "INSERT OR REPLACE INTO schedules VALUES (?, ?, ?, ?, ?)";
    this.#run(sql, name, everyMs, nextAtMs, payload, options);
  }

  dropSchedule(name: string): boolean {
    return this.#run("DELETE FROM schedules WHERE name = ?", name) > 0;
  }

  health(): StoreHealth {
    return { quarantined: this.#quarantined, isFull: !this.#ballast.isThere };
  }

  [Symbol.dispose](): void {
    this.commit();
    this.#db.close();
  }

  #counted(): Record<JobState, number> {
    const counts = { ...EMPTY_COUNT };
    for (const row of this.#rows("SELECT state, count(*) AS n FROM jobs GROUP BY state")) {
      counts[row["state"] as JobState] = Number(row["n"]);
    }
    return counts;
  }

  /** Ready jobs from `from` on. */
  #ready({ rank, place }: Rank): Reading {
    const sql = `SELECT ${COLUMNS} FROM jobs WHERE state = 'ready' AND (rank, rowid) >= (?, ?)
      ORDER BY rank, rowid LIMIT ?`;
    const jobs: JobRecord[] = [];
    const broken: Row[] = [];
    let bytes = 0;
    let isAll = true;
    for (const row of this.#prepare(sql).iterate(rank, place, AHEAD_JOBS + 1)) {
      isAll = jobs.length < AHEAD_JOBS && bytes < AHEAD_BYTES;
      if (!isAll) break;
      try {
        const job = toJob(row);
        jobs.push(job);
        bytes += job.payload.length;
      } catch {
        broken.push(row);
      }
    }
    for (const row of broken) this.#quarantine(row);
    return { jobs, isAll };
  }

  /** The jobs of those rows that are whole; the others are put aside. */
  #jobs(sql: string, ...values: SQLInputValue[]): JobRecord[] {
    const jobs: JobRecord[] = [];
    let isWhole = true;
    for (const row of this.#rows(sql, ...values)) {
      try {
        jobs.push(toJob(row));
      } catch {
        isWhole = false;
        this.#quarantine(row);
      }
    }
    // Those that were put aside took the place of others.
    return isWhole ? jobs : this.#jobs(sql, ...values);
  }

  #quarantine(row: Row): void {
    const id = row["id"] as string;
    this.#run("INSERT OR REPLACE INTO quarantine SELECT id, head, tail FROM jobs WHERE id = ?", id);
    this.#run("DELETE FROM jobs WHERE id = ?", id);
    this.#counts[row["state"] as JobState]--;
    this.#quarantined++;
  }

  #rows(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...values);
  }

  #row(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...values);
  }

  #run(sql: string, ...values: SQLInputValue[]): number {
    return this.#write(() => Number(this.#prepare(sql).run(...values).changes));
  }

  #write<T>(write: () => T): T {
    try {
      return write();
    } catch (error) {
      const failure = storeError(error, this.#file);
      if (failure.code === "ERR_STORE_FULL") this.#ballast.drop();
      throw failure;
    }
  }

  #prepare(sql: string): StatementSync {
    let known = this.#statements.get(sql);
    if (known === undefined) {
      known = this.#db.prepare(sql);
      this.#statements.set(sql, known);
    }
    return known;
  }
}
