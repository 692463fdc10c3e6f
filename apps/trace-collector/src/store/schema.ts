/**
 * Tables of a partition file. Ids are blobs, times microseconds, durations nanoseconds. Spans lie in the order in which
 * they came: to put each into its place by its random id writes twice as many pages; `id` says in which chunk its details
 * are, and where ({@link spanRowId}). Files of before, where the ids are the primary key, have the same columns but `id`;
 * they are read and written as well.
 */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS ops (
    id INTEGER PRIMARY KEY, service TEXT NOT NULL, name TEXT NOT NULL, kind INTEGER NOT NULL,
    UNIQUE (service, name, kind)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS spans (
    id INTEGER PRIMARY KEY, trace_id BLOB NOT NULL, span_id BLOB NOT NULL, parent_id BLOB, op INTEGER NOT NULL,
    start_us INTEGER NOT NULL, start_sub INTEGER NOT NULL, duration_ns INTEGER NOT NULL,
    self_ns INTEGER NOT NULL, status INTEGER NOT NULL, weight REAL NOT NULL,
    chunk INTEGER NOT NULL, slot INTEGER NOT NULL,
    UNIQUE (trace_id, span_id)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS spans_start ON spans (start_us);
  CREATE INDEX IF NOT EXISTS spans_op ON spans (op, start_us, duration_ns, status);
  CREATE INDEX IF NOT EXISTS spans_failed ON spans (start_us) WHERE status = 2;
  CREATE TABLE IF NOT EXISTS chunks (
    id INTEGER PRIMARY KEY, min_us INTEGER NOT NULL, max_us INTEGER NOT NULL, data BLOB NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS links (
    trace_id BLOB NOT NULL, span_id BLOB NOT NULL, to_trace BLOB NOT NULL, to_span BLOB NOT NULL,
    PRIMARY KEY (to_trace, to_span, trace_id, span_id)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS failures (
    trace_id BLOB NOT NULL, span_id BLOB NOT NULL, parent_id BLOB, at_us INTEGER NOT NULL,
    op INTEGER NOT NULL, fingerprint TEXT NOT NULL, type TEXT NOT NULL, code TEXT,
    message TEXT NOT NULL, frames TEXT NOT NULL,
    PRIMARY KEY (trace_id, span_id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS failures_at ON failures (at_us);
  CREATE TABLE IF NOT EXISTS logs (
    trace_id BLOB NOT NULL, at_ns TEXT NOT NULL, digest BLOB NOT NULL, span_id BLOB,
    service TEXT NOT NULL, severity INTEGER NOT NULL, body TEXT NOT NULL, attributes TEXT NOT NULL,
    PRIMARY KEY (trace_id, at_ns, digest)
  ) STRICT, WITHOUT ROWID;
`;

/** Spans of one chunk at most: `id` of a span has room for so many. */
const CHUNK_ROOM = 4_096;

/** `id` of the span whose details stand at `slot` of a chunk. */
export const spanRowId = (chunk: number, slot: number): number => chunk * CHUNK_ROOM + slot;

/** Whether the spans of a file have an `id`. */
export const HAS_ROW_ID = "SELECT 1 FROM pragma_table_info('spans') WHERE name = 'id'";

/** Every connection waits that long for a lock of another, which a checkpoint or an opening takes for a moment. */
export const CONNECTION = { timeout: 10_000 } as const;

/** How the writer opens a partition; checkpoints are the keeper's. */
export const WRITE_PRAGMAS = `
  PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
  PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY;
  PRAGMA journal_size_limit = 67108864;
`;

/** How readers open one. */
export const READ_PRAGMAS = `
  PRAGMA query_only = ON; PRAGMA cache_size = -16384; PRAGMA mmap_size = 1073741824;
  PRAGMA temp_store = MEMORY;
`;
