import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import { crc32 } from "node:zlib";
import { decodeOwned, encode, type WireError } from "@zeroplane/link";
import type { JobHead, JobRecord, JobState } from "./job.ts";

/** `head` never changes; `tail` is null until there is a result or an error. */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS jobs (
    id TEXT PRIMARY KEY, key TEXT, serial TEXT, state TEXT NOT NULL, due_at_ms REAL NOT NULL,
    rank REAL NOT NULL, attempt INTEGER NOT NULL, attempts_max INTEGER NOT NULL,
    failures INTEGER NOT NULL, crashes INTEGER NOT NULL, worker TEXT, finished_at_ms REAL,
    tail BLOB, head BLOB NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS jobs_key ON jobs (key) WHERE key IS NOT NULL;
  CREATE INDEX IF NOT EXISTS jobs_serial ON jobs (serial)
    WHERE serial IS NOT NULL AND finished_at_ms IS NULL;
  CREATE INDEX IF NOT EXISTS jobs_ready ON jobs (rank) WHERE state = 'ready';
  CREATE INDEX IF NOT EXISTS jobs_suspect ON jobs (rank) WHERE state = 'suspect';
  CREATE INDEX IF NOT EXISTS jobs_due ON jobs (due_at_ms) WHERE state = 'delayed';
  CREATE INDEX IF NOT EXISTS jobs_ended ON jobs (finished_at_ms) WHERE finished_at_ms IS NOT NULL;
  CREATE TABLE IF NOT EXISTS quarantine (id TEXT PRIMARY KEY, head BLOB, tail BLOB) STRICT;
  CREATE TABLE IF NOT EXISTS schedules (
    name TEXT PRIMARY KEY, every_ms REAL NOT NULL, next_at_ms REAL NOT NULL,
    payload BLOB NOT NULL, options BLOB NOT NULL
  ) STRICT;
`;

export const INSERT = "INSERT INTO jobs VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
/** What is read of a job. */
export const COLUMNS = "rowid AS place, *";
export const UPDATE = `UPDATE jobs SET state = ?, due_at_ms = ?, rank = ?, attempt = ?,
  attempts_max = ?, failures = ?, crashes = ?, worker = ?, finished_at_ms = ?, tail = ?
  WHERE rowid = ?`;
/** What changes when a job is given to a worker, and when it ends: most changes are these. */
export const LEASE = "UPDATE jobs SET state = 'leased', attempt = ?, worker = ? WHERE rowid = ?";
export const END = `UPDATE jobs SET state = ?, failures = ?, crashes = ?, finished_at_ms = ?,
  tail = ? WHERE rowid = ?`;

export type Row = Record<string, SQLOutputValue>;

const CRC_BYTES = 4;

/** `bytes` behind their checksum: SQLite itself does not notice a byte that has changed. */
function sealed(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(CRC_BYTES + bytes.length);
  new DataView(whole.buffer).setUint32(0, crc32(bytes));
  whole.set(bytes, CRC_BYTES);
  return whole;
}

function unsealed(whole: Uint8Array): unknown {
  const bytes = whole.subarray(CRC_BYTES);
  const crc = new DataView(whole.buffer, whole.byteOffset).getUint32(0);
  if (crc !== crc32(bytes)) throw new RangeError("the checksum is wrong");
  return decodeOwned(bytes);
}

/** What of a job may change, in the order of {@link UPDATE} and {@link INSERT}. */
export const changing = (job: JobRecord): SQLInputValue[] => [
  job.state,
  job.dueAtMs,
  job.rank,
  job.attempt,
  job.attemptsMax,
  job.failures,
  job.crashes,
  job.worker ?? null,
  job.finishedAtMs ?? null,
  tailOf(job),
];

/** How a job went, once there is something to say. */
export const tailOf = ({ result, errors }: JobRecord): Uint8Array | null =>
  result === undefined && errors.length === 0 ? null : sealed(encode([result ?? null, errors]));

export const headOf = (job: JobHead): Uint8Array =>
  sealed(
    encode([
      job.keyTtlMs,
      job.payload,
      job.headers,
      job.priority,
      job.timeoutMs,
      job.addedAtMs,
      job.key ?? null,
      job.serial ?? null,
    ]),
  );

type Head = [
  number,
  Uint8Array,
  JobHead["headers"],
  number,
  number,
  number,
  string | null,
  string | null,
];
type Tail = [Uint8Array | null, WireError[]];

/** @throws when the bytes are not those that were written */
export function toJob(row: Row): JobRecord {
  const [keyTtlMs, payload, headers, priority, timeoutMs, addedAtMs, key, serial] = unsealed(
    row["head"] as Uint8Array,
  ) as Head;
  const tail = row["tail"] as Uint8Array | null;
  const [result, errors] = tail === null ? [null, []] : (unsealed(tail) as Tail);
  return {
    id: row["id"] as string,
    key: key ?? undefined,
    keyTtlMs,
    serial: serial ?? undefined,
    payload,
    headers,
    priority,
    timeoutMs,
    addedAtMs,
    attemptsMax: row["attempts_max"] as number,
    dueAtMs: row["due_at_ms"] as number,
    rank: row["rank"] as number,
    place: row["place"] as number,
    state: row["state"] as JobState,
    attempt: row["attempt"] as number,
    failures: row["failures"] as number,
    crashes: row["crashes"] as number,
    worker: (row["worker"] as string | null) ?? undefined,
    result: result ?? undefined,
    errors,
    finishedAtMs: (row["finished_at_ms"] as number | null) ?? undefined,
  };
}
