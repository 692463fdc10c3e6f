import { createHash } from "node:crypto";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { selfTimesByName } from "@zeroplane/tracing/model";
import type { DecodedLog, DecodedSpan } from "../span.ts";
import { AttributeChunk } from "./attribute-chunk.ts";
import { failureOf } from "./failure.ts";
import { SCHEMA, WRITE_PRAGMAS } from "./schema.ts";

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

const INSERTS = {
  op: "INSERT INTO ops (service, name, kind) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
  opId: "SELECT id FROM ops WHERE service = ? AND name = ? AND kind = ?",
  span: "INSERT INTO spans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
  chunk: "INSERT INTO chunks VALUES (?, ?, ?, ?)",
  link: "INSERT INTO links VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
  failure: "INSERT INTO failures VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
  log: "INSERT INTO logs VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
  has: "SELECT 1 FROM spans WHERE trace_id = ? AND span_id = ?",
  self: "UPDATE spans SET self_ns = ? WHERE trace_id = ? AND span_id = ?",
} as const;

const NAME_MAX = 1_024;
const NS_PER_MS = 1e6;
const LOG_MAX = 64 * 1_024;

/** One file of spans, for writing. */
export class Partition implements Disposable {
  readonly db: DatabaseSync;
  readonly #sql: Record<keyof typeof INSERTS, StatementSync>;
  readonly #ops = new Map<string, number>();
  #chunk: number;
  /** Spans in it. */
  spans: number;

  /** @param pagesMax pages of 8 KiB that the file may have; 0: no limit */
  constructor(file: string, pagesMax = 0) {
    this.db = new DatabaseSync(file);
    this.db.exec(WRITE_PRAGMAS);
    this.db.exec(SCHEMA);
    if (pagesMax > 0) this.db.exec(`PRAGMA max_page_count = ${pagesMax}`);
    const prepared = Object.entries(INSERTS).map(([name, sql]) => [name, this.db.prepare(sql)]);
    this.#sql = Object.fromEntries(prepared) as Record<keyof typeof INSERTS, StatementSync>;
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
      if (this.db.isTransaction) this.db.exec("ROLLBACK");
      throw error;
    }
  }

  has({ traceId, spanId }: SpanIds): boolean {
    return this.#sql.has.get(traceId, spanId) !== undefined;
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
    if (spans.length === 0) return { added: 0, cut: 0 };
    const selfs = selfTimesOf(spans);
    const chunk = new AttributeChunk();
    const id = this.#chunk + 1;
    let [added, minUs, maxUs] = [0, Number.MAX_SAFE_INTEGER, 0];
    for (const [at, span] of spans.entries()) {
      const { startUs } = span;
      const op = this.#opOf(span);
      const { traceId, spanId, parentId = null } = span;
      const { changes } = this.#sql.span.run(
        traceId,
        spanId,
        parentId,
        op,
        startUs,
        span.startSub,
        span.durationNs,
        Math.round((selfs[at] ?? 0) * NS_PER_MS),
        span.status,
        weightOf(span.traceState),
        id,
        chunk.add(span),
      );
      if (changes === 0) continue;
      added++;
      minUs = Math.min(minUs, startUs);
      maxUs = Math.max(maxUs, startUs);
      this.#addFailure(span, op, startUs);
      this.#addLinks(span);
    }
    if (added > 0) {
      this.#sql.chunk.run(id, minUs, maxUs, chunk.pack());
      this.#chunk = id;
    }
    return { added, cut: chunk.cut };
  }

  #addFailure(span: DecodedSpan, op: number, atUs: number): void {
    const failure = failureOf(span);
    if (failure === undefined) return;
    const { fingerprint, type, code, message, frames } = failure;
    const { traceId, spanId, parentId = null } = span;
    const about = [fingerprint, type, code, message, JSON.stringify(frames)] as const;
    this.#sql.failure.run(traceId, spanId, parentId, atUs, op, ...about);
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

  #opOf({ service, name, kind }: DecodedSpan): number {
    const key = `${kind}\n${service}\n${name}`;
    const known = this.#ops.get(key);
    if (known !== undefined) return known;
    const of = [service.slice(0, NAME_MAX), name.slice(0, NAME_MAX), kind] as const;
    this.#sql.op.run(...of);
    const id = Number(this.#sql.opId.get(...of)?.["id"]);
    // Names that never come again must not pile up.
    if (this.#ops.size >= 10_000) this.#ops.clear();
    this.#ops.set(key, id);
    return id;
  }
}

/** Self times as far as this batch tells; corrected when the trace is quiet. */
function selfTimesOf(spans: readonly DecodedSpan[]): Float64Array {
  const baseUs = spans[0]?.startUs ?? 0;
  return selfTimesByName(
    spans.map((span) => {
      const ns = (span.startUs - baseUs) * 1_000 + span.startSub;
      return {
        id: span.traceId.toString("latin1") + span.spanId.toString("latin1"),
        parentId: span.parentId
          ? span.traceId.toString("latin1") + span.parentId.toString("latin1")
          : "",
        startMs: ns / NS_PER_MS,
        endMs: (ns + span.durationNs) / NS_PER_MS,
        kind: span.kind,
      };
    }),
  );
}

/** How many spans one stands for, by the threshold of its sampler (`ot=th:…` of the trace state). */
function weightOf(traceState: string | undefined): number {
  if (!traceState) return 1;
  const threshold = /(?:^|,)ot=(?:[^,]*;)?th:([\da-f]{1,14})(?:[;,]|$)/.exec(traceState)?.[1];
  if (threshold === undefined) return 1;
  const kept = 1 - Number.parseInt(threshold.padEnd(14, "0"), 16) / 2 ** 56;
  return kept > 0 ? 1 / kept : 1;
}
