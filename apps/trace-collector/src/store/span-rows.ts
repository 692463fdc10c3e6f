import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { DecodedSpan } from "../span.ts";
import { HAS_ROW_ID, spanRowId } from "./schema.ts";

/** What is stored of a span beside what it says itself. */
export interface Place {
  readonly op: number;
  readonly selfNs: number;
  readonly chunk: number;
  readonly slot: number;
}

/** Rows that go with one statement: each call of the database costs as much as a row or two. */
const TOGETHER = 32;
const COLUMNS_OF_BEFORE =
  "trace_id, span_id, parent_id, op, start_us, start_sub, duration_ns, self_ns, status, weight, chunk, slot";

/** A row that cannot be takes everything back, and not the statement alone: for that each page would be copied first. */
function insertOf(rows: number, columns: string, width: number): string {
  const row = `(${Array.from({ length: width }, () => "?").join()})`;
  return `INSERT OR ROLLBACK INTO spans (${columns}) VALUES ${Array.from({ length: rows }, () => row).join()} ON CONFLICT DO NOTHING`;
}

/** Writes rows of spans, several at a time; one of the same ids as another is passed over. */
export class SpanRows {
  readonly #several: StatementSync;
  readonly #one: StatementSync;
  readonly #values: SQLInputValue[] = [];
  readonly #hasId: boolean;
  readonly #width: number;
  #added = 0;

  constructor(db: DatabaseSync) {
    this.#hasId = db.prepare(HAS_ROW_ID).get() !== undefined;
    const columns = this.#hasId ? `id, ${COLUMNS_OF_BEFORE}` : COLUMNS_OF_BEFORE;
    this.#width = columns.split(",").length;
    this.#several = db.prepare(insertOf(TOGETHER, columns, this.#width));
    this.#one = db.prepare(insertOf(1, columns, this.#width));
  }

  add(span: DecodedSpan, { op, selfNs, chunk, slot }: Place): void {
    const { traceId, spanId, parentId = null, startUs, startSub, durationNs, status } = span;
    const weight = weightOf(span.traceState);
    if (this.#hasId) this.#values.push(spanRowId(chunk, slot));
    this.#values.push(traceId, spanId, parentId, op, startUs, startSub, durationNs);
    this.#values.push(selfNs, status, weight, chunk, slot);
    if (this.#values.length === TOGETHER * this.#width) this.#run(this.#several, this.#values);
  }

  /** Writes what waits. @returns how many of all since the last time were not there before */
  end(): number {
    const values = this.#values;
    for (let at = 0; at < values.length; at += this.#width)
      this.#run(this.#one, values.slice(at, at + this.#width));
    const added = this.#added;
    this.clear();
    return added;
  }

  /** Forgets what waits. */
  clear(): void {
    this.#values.length = 0;
    this.#added = 0;
  }

  #run(statement: StatementSync, values: readonly SQLInputValue[]): void {
    this.#added += Number(statement.run(...values).changes);
    if (statement === this.#several) this.#values.length = 0;
  }
}

/** How many spans one stands for, by the threshold of its sampler (`ot=th:…` of the trace state). */
function weightOf(traceState: string | undefined): number {
  if (!traceState) return 1;
  const threshold = /(?:^|,)ot=(?:[^,]*;)?th:([\da-f]{1,14})(?:[;,]|$)/.exec(traceState)?.[1];
  if (threshold === undefined) return 1;
  const kept = 1 - Number.parseInt(threshold.padEnd(14, "0"), 16) / 2 ** 56;
  return kept > 0 ? 1 / kept : 1;
}
