import { selfTimesByName, type TimedByName } from "@zeroplane/tracing/model";
import type { DecodedSpan } from "../span.ts";
import type { Partition } from "./partition.ts";
import type { Partitions } from "./partitions.ts";

const QUIET_MS = 5_000;
const TRACES_MAX = 100_000;
const SPANS_MAX = 200_000;
/** Longest turn, milliseconds: what is left waits for the next one. */
const TURN_MS = 50;
const NS_PER_MS = 1e6;
const DAY_US = 86_400_000_000;

interface Touched {
  /** Batches that brought spans of it. */
  batches: number;
  lastMs: number;
  fromMs: number;
  toMs: number;
}

/** Corrects the self times of traces whose spans came in several batches, once a trace is quiet for 5 s. */
export class Finisher {
  readonly #partitions: Partitions;
  /** The longest quiet comes first. */
  readonly #touched = new Map<string, Touched>();
  /** Traces that were forgotten since there were too many. */
  skipped = 0;

  constructor(partitions: Partitions) {
    this.#partitions = partitions;
  }

  get waiting(): number {
    return this.#touched.size;
  }

  /** Spans of a batch were stored. */
  touch(spans: readonly DecodedSpan[], nowMs: number): void {
    let last = "";
    let lastTouched: Touched | undefined;
    for (const span of spans) {
      const id = span.traceId.toString("latin1");
      const startMs = Math.floor(span.startUs / 1_000);
      if (id === last && lastTouched !== undefined) {
        widen(lastTouched, startMs);
        continue;
      }
      const known = this.#touched.get(id);
      const touched = known ?? { batches: 0, lastMs: 0, fromMs: startMs, toMs: startMs };
      if (touched.lastMs !== nowMs || known === undefined) {
        if (known !== undefined) this.#touched.delete(id);
        this.#touched.set(id, touched);
        touched.batches++;
        touched.lastMs = nowMs;
      }
      widen(touched, startMs);
      [last, lastTouched] = [id, touched];
    }
    while (this.#touched.size > TRACES_MAX) {
      const [oldest] = this.#touched.keys();
      this.#touched.delete(oldest ?? "");
      this.skipped++;
    }
  }

  /** Finishes what is quiet, for up to 50 ms. */
  run(nowMs: number): void {
    const untilMs = performance.now() + TURN_MS;
    for (const [id, touched] of this.#touched) {
      if (nowMs - touched.lastMs < QUIET_MS || performance.now() > untilMs) return;
      this.#touched.delete(id);
      if (touched.batches > 1) this.#finish(Buffer.from(id, "latin1"), touched);
    }
  }

  #finish(traceId: Buffer, { fromMs, toMs }: Touched): void {
    const rows = this.#partitions
      .between(fromMs, toMs)
      .flatMap((partition) => rowsOf(partition, traceId));
    const selfs = selfTimesByName(rows);
    const changed = new Map<
      Partition,
      { traceId: Uint8Array; spanId: Uint8Array; selfNs: number }[]
    >();
    for (const [at, { partition, id, selfNs: before }] of rows.entries()) {
      const selfNs = Math.round((selfs[at] ?? 0) * NS_PER_MS);
      if (selfNs === before) continue;
      const list = changed.get(partition) ?? [];
      changed.set(partition, list);
      list.push({ traceId, spanId: Buffer.from(id, "latin1"), selfNs });
    }
    for (const [partition, changes] of changed) partition.correct(changes);
  }
}

function widen(touched: Touched, startMs: number): void {
  touched.fromMs = Math.min(touched.fromMs, startMs);
  touched.toMs = Math.max(touched.toMs, startMs);
}

interface TimeRow extends TimedByName {
  readonly partition: Partition;
  readonly selfNs: number;
}

const SQL = `SELECT span_id, parent_id, start_us, start_sub, duration_ns, self_ns, kind
  FROM spans JOIN ops ON ops.id = op WHERE trace_id = ? LIMIT ${SPANS_MAX}`;

function rowsOf(partition: Partition, traceId: Buffer): TimeRow[] {
  const rows = partition.db.prepare(SQL).all(traceId);
  // Nanoseconds since 1970 do not fit a double: since the day they do.
  return rows.map((row) => {
    const ns = (Number(row["start_us"]) % DAY_US) * 1_000 + Number(row["start_sub"]);
    return {
      partition,
      id: latin1(row["span_id"]),
      parentId: latin1(row["parent_id"]),
      startMs: ns / NS_PER_MS,
      endMs: (ns + Number(row["duration_ns"])) / NS_PER_MS,
      selfNs: Number(row["self_ns"]),
      kind: Number(row["kind"]),
    };
  });
}

const latin1 = (id: unknown): string =>
  id instanceof Uint8Array ? Buffer.from(id).toString("latin1") : "";
