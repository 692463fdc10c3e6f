import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from "node:sqlite";
import { Folder, type PartitionName } from "../store/folder.ts";
import { READ_PRAGMAS } from "../store/schema.ts";
import { OpenReader } from "./open.ts";

/** A row of an answer. */
export type Row = Record<string, SQLOutputValue>;

/** A partition, open for reading. */
export interface Reader extends PartitionName {
  readonly db: DatabaseSync;
}

const OPEN_MAX = 64;

/** The partitions as readers see them: files that come and go. */
export class Readers implements Disposable {
  /** What has not ended. */
  readonly unfinished: OpenReader;
  readonly #folder: Folder;
  /** The last used comes last. */
  readonly #open = new Map<string, DatabaseSync>();

  constructor(data: string) {
    this.#folder = new Folder(data);
    this.unfinished = new OpenReader(data);
  }

  /** Partitions with spans that start within a range, newest first; each is open until the next one is taken. */
  *within(fromMs = 0, toMs = Number.MAX_SAFE_INTEGER): Generator<Reader> {
    const names = this.#folder.list();
    for (const name of this.#open.keys())
      if (!names.some((each) => each.name === name)) this.#close(name);
    for (const each of names.toReversed()) {
      if (each.toMs < fromMs || each.fromMs > toMs) continue;
      const db = this.#db(each.name);
      if (db !== undefined) yield { ...each, db };
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

  #db(name: string): DatabaseSync | undefined {
    const known = this.#open.get(name);
    this.#open.delete(name);
    if (known !== undefined) this.#open.set(name, known);
    return known ?? this.#openOne(name);
  }

  /** A file that was removed meanwhile, or has no tables yet, holds nothing. */
  #openOne(name: string): DatabaseSync | undefined {
    try {
      const db = new DatabaseSync(this.#folder.file(name), { readOnly: true });
      db.exec(READ_PRAGMAS);
      if (db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'logs'").get() === undefined) {
        db.close();
        return undefined;
      }
      this.#open.set(name, db);
      if (this.#open.size > OPEN_MAX) this.#close([...this.#open.keys()][0] ?? "");
      return db;
    } catch {
      return undefined;
    }
  }

  #close(name: string): void {
    this.#open.get(name)?.close();
    this.#open.delete(name);
  }
}
