import { createHash } from "node:crypto";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type DecodedLog, type DecodedSpan, STATUS_ERROR } from "../span.ts";
import { AttributeChunk } from "./attribute-chunk.ts";
import { failureOf } from "./failure.ts";
import { Ops } from "./ops.ts";
import { CONNECTION, SCHEMA, WRITE_PRAGMAS } from "./schema.ts";
import { selfTimesOf } from "./self-times.ts";
import { SpanRows } from "./span-rows.ts";

/** What came of a batch. */
export interface Added {
  readonly added: number;
  /** Spans of which something was cut. */
  readonly cut: number;
}

/** What names a span. */
export interface SpanIds {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
}

/** A span that has more than its row. */
interface Special {
  readonly span: DecodedSpan;
  readonly op: number;
  readonly slot: number;
}

const INSERTS = {
  chunk: "INSERT INTO chunks VALUES (?, ?, ?, ?)",
  link: "INSERT INTO links VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
  failure: "INSERT INTO failures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
  log: "INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
  place: "SELECT chunk, slot FROM spans WHERE trace_id = ? AND span_id = ?",
  self: "UPDATE spans SET self_ns = ? WHERE trace_id = ? AND span_id = ?",
} as const;

/** Spans of which the attributes are packed together: to read one of them unpacks them all. */
const CHUNK_SPANS = 250;
const LOG_MAX = 64 * 1_024;

/** One file of spans, for writing. */
export class Partition implements Disposable {
  readonly db: DatabaseSync;
  readonly #sql: Record<keyof typeof INSERTS, StatementSync>;
  readonly #rows: SpanRows;
  readonly #ops: Ops;
  readonly #details = new AttributeChunk();
  #chunk: number;
  /** Spans in it. */
  spans: number;

  /** @param pagesMax pages of 8 KiB that the file may have; 0: no limit */
  constructor(file: string, pagesMax = 0) {
    this.db = new DatabaseSync(file, CONNECTION);
    this.db.exec(WRITE_PRAGMAS);
    this.db.exec(SCHEMA);
    if (pagesMax > 0) this.db.exec(`PRAGMA max_page_count = ${pagesMax}`);
    const prepared = Object.entries(INSERTS).map(([name, sql]) => [name, this.db.prepare(sql)]);
    this.#sql = Object.fromEntries(prepared) as Record<keyof typeof INSERTS, StatementSync>;
    this.#rows = new SpanRows(this.db);
    this.#ops = new Ops(this.db);
    const of = (sql: string): number => Number(this.db.prepare(sql).get()?.["n"] ?? 0);
    this.#chunk = of("SELECT max(id) AS n FROM chunks");
    this.spans = of("SELECT count(*) AS n FROM spans");
  }

  /** Stores a batch in one transaction; a span or log that is there already is passed over. */
  add(spans: readonly DecodedSpan[], logs: readonly DecodedLog[] = []): Added {
    this.db.exec("BEGIN");
    try {
      const done = this.#addSpans(spans);
      for (const log of logs) this.#addLog(log);
      this.db.exec("COMMIT");
      this.spans += done.added;
      return done;
    } catch (error) {
      this.#ops.clear();
      this.#rows.clear();
      if (this.db.isTransaction) this.db.exec("ROLLBACK");
      throw error;
    }
  }

  has({ traceId, spanId }: SpanIds): boolean {
    return this.#sql.place.get(traceId, spanId) !== undefined;
  }

  /** Corrects self times, in one transaction. */
  correct(changes: readonly { traceId: Uint8Array; spanId: Uint8Array; selfNs: number }[]): void {
    this.db.exec("BEGIN");
    for (const { traceId, spanId, selfNs } of changes) this.#sql.self.run(selfNs, traceId, spanId);
    this.db.exec("COMMIT");
  }

  [Symbol.dispose](): void {
    this.db.close();
  }

  #addSpans(spans: readonly DecodedSpan[]): Added {
    const selfs = selfTimesOf(spans);
    let [added, cut] = [0, 0];
    for (let from = 0; from < spans.length; from += CHUNK_SPANS) {
      const to = from + CHUNK_SPANS;
      const done = this.#addChunk(spans.slice(from, to), selfs.subarray(from, to));
      added += done.added;
      cut += done.cut;
    }
    return { added, cut };
  }

  #addChunk(spans: readonly DecodedSpan[], selfs: Float64Array): Added {
    const chunk = this.#details;
    chunk.clear();
    const id = this.#chunk + 1;
    let [minUs, maxUs] = [Number.MAX_SAFE_INTEGER, 0];
    const special: Special[] = [];
    for (let at = 0; at < spans.length; at++) {
      const span = spans[at] as DecodedSpan;
      const op = this.#ops.idOf(span);
      const slot = chunk.add(span);
      this.#rows.add(span, { op, selfNs: selfs[at] as number, chunk: id, slot });
      minUs = Math.min(minUs, span.startUs);
      maxUs = Math.max(maxUs, span.startUs);
      if (span.status === STATUS_ERROR || span.links.length > 0) special.push({ span, op, slot });
    }
    const added = this.#rows.end();
    if (added === 0) return { added, cut: chunk.cut };
    this.#sql.chunk.run(id, minUs, maxUs, chunk.pack());
    this.#chunk = id;
    for (const each of special) {
      if (added < spans.length && !this.#isAt(each, id)) continue;
      this.#addFailure(each);
      this.#addLinks(each.span);
    }
    return { added, cut: chunk.cut };
  }

  /** False when it had been there before. */
  #isAt({ span, slot }: Special, chunk: number): boolean {
    const stored = this.#sql.place.get(span.traceId, span.spanId);
    return stored?.["chunk"] === chunk && stored["slot"] === slot;
  }

  #addFailure({ span, op }: Special): void {
    const failure = failureOf(span);
    if (failure === undefined) return;
    const { fingerprint, type, code, message, frames } = failure;
    const { traceId, spanId, parentId = null } = span;
    const about = [fingerprint, type, code, message, JSON.stringify(frames)] as const;
    this.#sql.failure.run(traceId, spanId, parentId, span.startUs, op, ...about);
  }

  #addLinks({ traceId, spanId, links }: DecodedSpan): void {
    for (const link of links) {
      const [trace, span] = [Buffer.from(link.traceId, "hex"), Buffer.from(link.spanId, "hex")];
      if (trace.length === 16 && span.length === 8)
        this.#sql.link.run(traceId, spanId, trace, span);
    }
  }

  #addLog({ traceId, spanId, service, atNs, severity, body, attributes }: DecodedLog): void {
    const texts = [
      JSON.stringify(body).slice(0, LOG_MAX),
      JSON.stringify(attributes).slice(0, LOG_MAX),
    ] as const;
    const digest = createHash("sha1")
      .update(`${spanId?.toString("hex")}${service}${texts[0]}${texts[1]}`)
      .digest();
    this.#sql.log.run(
      traceId,
      atNs.toString().padStart(20, "0"),
      digest,
      spanId ?? null,
      service,
      severity,
      ...texts,
    );
  }
}
