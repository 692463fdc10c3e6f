import { selfTimesByName, type TimedByName } from "@zeroplane/tracing/model";
import type { DecodedSpan } from "../span.ts";
import type { Partition } from "./partition.ts";
import type { Partitions } from "./partitions.ts";
import { type Touched, TouchedTraces } from "./touched-traces.ts";

const QUIET_MS = 5_000;
const TRACES_MAX = 100_000;
const SPANS_MAX = 200_000;
/** Longest turn, milliseconds: what is left waits for the next one. */
const TURN_MS = 50;
const NS_PER_MS = 1e6;
const US_PER_MS = 1_000;
const DAY_US = 86_400_000_000;

/** Corrects the self times of traces whose spans came in several batches, once a trace is quiet for 5 s. */
export class Finisher {
  readonly #partitions: Partitions;
  readonly #touched = new TouchedTraces();
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
    for (const { traceId, startUs } of spans)
      this.#touched.touch(traceId, Math.floor(startUs / US_PER_MS), nowMs);
    while (this.#touched.size > TRACES_MAX) {
      this.#touched.shift();
      this.skipped++;
    }
  }

  /** Finishes what is quiet, for up to 50 ms. */
  run(nowMs: number): void {
    const untilMs = performance.now() + TURN_MS;
    while (nowMs - this.#touched.quietSinceMs >= QUIET_MS && performance.now() <= untilMs) {
      const touched = this.#touched.shift();
      if (touched !== undefined && touched.batches > 1) this.#finish(touched);
    }
  }

  #finish({ traceId, fromMs, toMs }: Touched): void {
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
