import { DatabaseSync } from "node:sqlite";
import { Folder, type PartitionName } from "./folder.ts";
import { CONNECTION } from "./schema.ts";
import { offer, threadData } from "./thread.ts";

const EVERY_MS = 1_000;
const WAL_BYTES = 16 * 1024 * 1024;
const IDLE_MS = 10_000;

/** Checkpoints beside the writer: a file whose log is long, or any that was left alone for 10 s. */
const folder = new Folder(threadData<{ readonly data: string }>().data);
const seen = new Map<string, { bytes: number; sinceMs: number }>();

function checkpoint({ name }: PartitionName): void {
  const bytes = folder.walBytes(name);
  const before = seen.get(name);
  const nowMs = Date.now();
  if (before?.bytes !== bytes) seen.set(name, { bytes, sinceMs: nowMs });
  const isIdle = before?.bytes === bytes && nowMs - before.sinceMs > IDLE_MS;
  if (bytes === 0 || !(bytes > WAL_BYTES || isIdle)) return;
  try {
    using db = new DatabaseSync(folder.file(name), CONNECTION);
    db.exec(`PRAGMA wal_checkpoint(${isIdle ? "TRUNCATE" : "PASSIVE"})`);
  } catch {
    // It was removed meanwhile, or is busy: the next turn finds out.
  }
}

const timer = setInterval(() => folder.list().forEach(checkpoint), EVERY_MS);
offer({}, () => clearInterval(timer));
