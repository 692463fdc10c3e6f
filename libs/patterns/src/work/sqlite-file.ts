import { DatabaseSync } from "node:sqlite";
import { PatternError } from "../errors.ts";
import { SCHEMA } from "./sqlite-rows.ts";

const PRAGMAS = `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 5000;
  PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 67108864;`;
/** SQLite's code for a disk without room. */
const SQLITE_FULL = 13;

/** Opens or makes the file. @throws PatternError ERR_STORE or ERR_STORE_FULL, with nothing left open */
export function opened(file: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(file);
    db.exec(PRAGMAS);
    db.exec(SCHEMA);
    return db;
  } catch (error) {
    db?.close();
    throw storeError(error, file);
  }
}

/** What SQLite says of `file`, as the error of a store. */
export function storeError(cause: unknown, file: string): PatternError {
  const { errcode, message } = cause as { errcode?: number; message?: string };
  return errcode === SQLITE_FULL
    ? new PatternError("ERR_STORE_FULL", `no room on the disk of ${file}: free some`, { cause })
    : new PatternError("ERR_STORE", `${file}: ${message ?? String(cause)}`, { cause });
}
