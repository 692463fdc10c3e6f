import type { DecodedLog, DecodedSpan } from "../span.ts";
import { TraceError } from "../trace-error.ts";
import { Catalog } from "./catalog.ts";
import { errorsName, Folder, hourName, type PartitionName, PINNED } from "./folder.ts";
import { ERRORS_LONGER, type StoreOptions } from "./options.ts";
import { Partition, type SpanIds } from "./partition.ts";
import { logsOf, spansOf } from "./trace-rows.ts";

const HOUR_MS = 3_600_000;
const PARTITION_SPANS_MAX = 1_000_000;
const PART_SPANS_MIN = 1_000;
const OPEN_MAX = 8;
/** Share of the whole that one file may take. */
const PART_OF_BYTES = 8;
const KEPT_TRACES_MAX = 10_000;
const TRACE_SPANS_MAX = 200_000;
const SQLITE_FULL = 13;

/** A file on disk. */
export interface PartitionSize {
  readonly name: string;
  readonly bytes: number;
}

/** What one call has stored. */
export interface Stored {
  added: number;
  cut: number;
}

/** The partition files, for writing: which one a span goes to, and which ones must go. */
export class Partitions implements Disposable {
  readonly #options: StoreOptions;
  readonly #folder: Folder;
  readonly #catalog: Catalog;
  /** The last used comes last. */
  readonly #open = new Map<string, Partition>();
  /** Files dropped for want of room or for their age. */
  dropped = 0;

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#folder = new Folder(options.data);
    this.#catalog = new Catalog(options.data);
  }

  /** Stores spans and logs, each in the file of its hour. @throws TraceError ERR_STORE_FULL */
  add(spans: readonly DecodedSpan[], logs: readonly DecodedLog[]): Stored {
    const hours = new Map<number, { spans: DecodedSpan[]; logs: DecodedLog[] }>();
    const of = (ms: number): { spans: DecodedSpan[]; logs: DecodedLog[] } => {
      const hour = Math.floor(ms / HOUR_MS);
      const known = hours.get(hour) ?? { spans: [], logs: [] };
      hours.set(hour, known);
      return known;
    };
    for (const span of spans) of(span.startUs / 1_000).spans.push(span);
    for (const log of logs) of(Number(log.atNs / 1_000_000n)).logs.push(log);
    const stored: Stored = { added: 0, cut: 0 };
    for (const [hour, each] of hours) this.#addHour(hour * HOUR_MS, each, stored);
    return stored;
  }

  /** Partitions in which a trace may be, by the starts of its spans. */
  between(fromMs: number, toMs: number): Partition[] {
    const names = this.#folder
      .list()
      .filter((each) => each.kind === "hour" && each.toMs > fromMs && each.fromMs <= toMs);
    return names.map(({ name }) => this.#partition(name));
  }

  /** True when a span that began at `startMs` is stored. */
  has(ids: SpanIds, startMs: number): boolean {
    return this.between(startMs, startMs).some((partition) => partition.has(ids));
  }

  pin(traceId: Uint8Array, isPinned: boolean): void {
    if (isPinned) this.#catalog.pin(traceId);
    else this.#catalog.unpin(traceId);
  }

  /** Name and size of every file. */
  sizes(): PartitionSize[] {
    return this.#folder.list().map(({ name }) => ({ name, bytes: this.#folder.bytes(name) }));
  }

  /** Lets go of what is too old or too much. */
  trim(nowMs: number): void {
    const { ms, bytes } = this.#options.retention;
    for (const each of this.#folder.list()) {
      const keptMs = each.kind === "errors" ? ms * ERRORS_LONGER : ms;
      if (each.kind !== "pinned" && each.toMs < nowMs - keptMs) this.#drop(each, true);
    }
    while (this.#bytes() > bytes && this.#dropOldest()) continue;
  }

  [Symbol.dispose](): void {
    for (const partition of this.#open.values()) partition[Symbol.dispose]();
    this.#catalog[Symbol.dispose]();
  }

  #bytes(): number {
    return this.#folder.list().reduce((sum, { name }) => sum + this.#folder.bytes(name), 0);
  }

  #addHour(
    atMs: number,
    { spans, logs }: { spans: DecodedSpan[]; logs: DecodedLog[] },
    stored: Stored,
  ): void {
    for (;;) {
      const { current, older } = this.#partsOf(atMs);
      const fresh =
        older.length === 0 ? spans : spans.filter((span) => !older.some((part) => part.has(span)));
      try {
        const { added, cut } = current.add(fresh, logs);
        stored.added += added;
        stored.cut += cut;
        return;
      } catch (error) {
        if ((error as { errcode?: unknown }).errcode !== SQLITE_FULL) throw error;
        if (this.#dropOldest(atMs)) continue;
        const hint = "nothing older may go; give it more room or a shorter retention";
        throw new TraceError("ERR_STORE_FULL", `the disk of the trace store is full; ${hint}`, {
          cause: error,
        });
      }
    }
  }

  /** The part of an hour that is written now, and those before it. */
  #partsOf(atMs: number): { readonly current: Partition; readonly older: readonly Partition[] } {
    const older: Partition[] = [];
    for (let part = this.#firstPart(atMs); ; part++) {
      const name = hourName(atMs, part);
      const partition = this.#partition(name);
      const isLast = !this.#folder.has(hourName(atMs, part + 1));
      if (isLast && !this.#isFull(name, partition)) return { current: partition, older };
      older.push(partition);
    }
  }

  /** Parts before the first may be gone already. */
  #firstPart(atMs: number): number {
    const parts = this.#folder
      .list()
      .filter(({ kind, fromMs }) => kind === "hour" && fromMs === atMs);
    return parts[0]?.part ?? 0;
  }

  #isFull(name: string, { spans }: Partition): boolean {
    const { retention, partitionSpansMax = PARTITION_SPANS_MAX } = this.#options;
    if (spans >= partitionSpansMax) return true;
    // An empty file takes room too: without a minimum, a small limit would never come to an end.
    return spans >= PART_SPANS_MIN && this.#folder.bytes(name) > retention.bytes / PART_OF_BYTES;
  }

  #partition(name: string): Partition {
    const known = this.#open.get(name);
    this.#open.delete(name);
    const partition = known ?? new Partition(this.#folder.file(name), this.#options.pagesMax);
    this.#open.set(name, partition);
    if (this.#open.size > OPEN_MAX) {
      const [oldest] = this.#open.keys();
      if (oldest !== undefined) this.#close(oldest);
    }
    return partition;
  }

  #close(name: string): void {
    this.#open.get(name)?.[Symbol.dispose]();
    this.#open.delete(name);
  }

  /** Drops the oldest file that may go; the newest is left, and with `exceptMs` that hour's. */
  #dropOldest(exceptMs?: number): boolean {
    const files = this.#folder.list().filter(({ kind }) => kind !== "pinned");
    const oldest = files.find(({ kind, fromMs }) => kind === "errors" || fromMs !== exceptMs);
    if (oldest === undefined || (exceptMs === undefined && files.length < 2)) return false;
    this.#drop(oldest, exceptMs === undefined);
    return true;
  }

  /** Removes a file; what is pinned or failed in it is kept elsewhere first. */
  #drop({ name, kind, fromMs }: PartitionName, keepsErrors: boolean): void {
    const from = this.#partition(name);
    const pins = this.#catalog.pins();
    this.#copy(pins, from, PINNED);
    if (kind === "hour" && keepsErrors) {
      const sql = `SELECT DISTINCT trace_id FROM failures LIMIT ${KEPT_TRACES_MAX}`;
      const failed = from.db
        .prepare(sql)
        .all()
        .map((row) => row["trace_id"] as Uint8Array);
      this.#copy(failed, from, errorsName(fromMs));
    }
    this.#close(name);
    this.#folder.remove(name);
    this.dropped++;
  }

  #copy(traceIds: readonly Uint8Array[], from: Partition, name: string): void {
    for (const traceId of traceIds) {
      const spans = spansOf(from.db, traceId, TRACE_SPANS_MAX);
      const logs = logsOf(from.db, traceId, TRACE_SPANS_MAX);
      if (spans.length + logs.length > 0) this.#partition(name).add(spans, logs);
    }
  }
}
