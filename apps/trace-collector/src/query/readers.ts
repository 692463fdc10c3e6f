import { statSync } from "node:fs";
import {
  DatabaseSync,
  type SQLInputValue,
  type SQLOutputValue,
  type StatementSync,
} from "node:sqlite";
import { Folder, type PartitionName } from "../store/folder.ts";
import { CONNECTION, READ_PRAGMAS } from "../store/schema.ts";
import { OpenReader } from "./open.ts";

/** A row of an answer. */
export type Row = Record<string, SQLOutputValue>;

/** A partition, open for reading. */
export interface Reader extends PartitionName {
  readonly db: DatabaseSync;
}

interface Opened {
  readonly db: DatabaseSync;
  /** Whether a trace is in it. */
  readonly holds: StatementSync;
}

/** Two weeks of hours: whoever asks for a trace looks into each of them. */
const OPEN_MAX = 400;
/** The clock of a file system may be as coarse as that. */
const TICK_MS = 1_000;
const HOLDS = `SELECT 1 WHERE EXISTS (SELECT 1 FROM spans WHERE trace_id = ?1)
  OR EXISTS (SELECT 1 FROM logs WHERE trace_id = ?1)`;

/** The partitions as readers see them: files that come and go. */
export class Readers implements Disposable {
  /** What has not ended. */
  readonly unfinished: OpenReader;
  readonly #folder: Folder;
  /** The last used comes last. */
  readonly #open = new Map<string, Opened>();
  /** Newest first. */
  #names: readonly PartitionName[] = [];
  /** When the folder had last changed as the names were read; without one they are read again. */
  #changedMs: number | undefined;

  constructor(data: string) {
    this.#folder = new Folder(data);
    this.unfinished = new OpenReader(data);
  }

  /** Partitions with spans that start within a range, newest first; each is open until the next one is taken. */
  *within(fromMs = 0, toMs = Number.MAX_SAFE_INTEGER): Generator<Reader> {
    for (const each of this.#listed()) {
      if (each.toMs < fromMs || each.fromMs > toMs) continue;
      const opened = this.#opened(each.name);
      if (opened !== undefined) yield { ...each, db: opened.db };
    }
  }

  /** Partitions with spans or logs of a trace, newest first. */
  *holding(traceId: Uint8Array): Generator<Reader> {
    for (const each of this.#listed()) {
      const opened = this.#opened(each.name);
      if (opened?.holds.get(traceId) !== undefined) yield { ...each, db: opened.db };
    }
  }

  /** Rows of every partition of a range. */
  *rows(
    sql: string,
    parameters: readonly SQLInputValue[],
    { fromMs, toMs }: { readonly fromMs?: number; readonly toMs?: number },
  ): Generator<Row> {
    for (const { db } of this.within(fromMs, toMs)) yield* db.prepare(sql).iterate(...parameters);
  }

  [Symbol.dispose](): void {
    this.unfinished[Symbol.dispose]();
    for (const name of this.#open.keys()) this.#close(name);
  }

  #listed(): readonly PartitionName[] {
    const { mtimeMs } = statSync(this.#folder.path);
    if (mtimeMs === this.#changedMs) return this.#names;
    this.#names = this.#folder.list().reverse();
    this.#changedMs = Date.now() - mtimeMs > TICK_MS ? mtimeMs : undefined;
    const names = new Set(this.#names.map(({ name }) => name));
    for (const name of this.#open.keys()) if (!names.has(name)) this.#close(name);
    return this.#names;
  }

  #opened(name: string): Opened | undefined {
    const known = this.#open.get(name);
    if (known === undefined) return this.#openOne(name);
    this.#open.delete(name);
    this.#open.set(name, known);
    return known;
  }

  /** A file that was removed meanwhile, or has no tables yet, holds nothing. */
  #openOne(name: string): Opened | undefined {
    try {
      const db = new DatabaseSync(this.#folder.file(name), { ...CONNECTION, readOnly: true });
      db.exec(READ_PRAGMAS);
      if (db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'logs'").get() === undefined) {
        db.close();
        return undefined;
      }
      const opened = { db, holds: db.prepare(HOLDS) };
      this.#open.set(name, opened);
      if (this.#open.size > OPEN_MAX) this.#close([...this.#open.keys()][0] ?? "");
      return opened;
    } catch {
      return undefined;
    }
  }

  #close(name: string): void {
    this.#open.get(name)?.db.close();
    this.#open.delete(name);
  }
}
