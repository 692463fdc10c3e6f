import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import { originOf } from "../ingest/origins.ts";
import type { DecodedLog, DecodedSpan } from "../span.ts";
import { ReadChunk } from "./attribute-chunk.ts";

/** A span as it is stored. */
export interface StoredSpan extends DecodedSpan {
  readonly selfNs: number;
}

type Row = Record<string, SQLOutputValue>;

const SPANS = `SELECT s.*, o.service, o.name, o.kind FROM spans s JOIN ops o ON o.id = s.op
  WHERE trace_id = ? ORDER BY start_us, start_sub, duration_ns DESC LIMIT ?`;

/** Spans of a trace in one partition, by start; at most `limit`. */
export function spansOf(db: DatabaseSync, traceId: Uint8Array, limit: number): StoredSpan[] {
  const rows = db.prepare(SPANS).all(traceId, limit);
  const chunks = new Map<number, ReadChunk>();
  const data = db.prepare("SELECT data FROM chunks WHERE id = ?");
  return rows.map((row) => {
    const id = Number(row["chunk"]);
    let chunk = chunks.get(id);
    if (chunk === undefined) {
      chunk = new ReadChunk(data.get(id)?.["data"] as Uint8Array);
      chunks.set(id, chunk);
    }
    return toSpan(row, chunk);
  });
}

const SPAN = `SELECT s.*, o.service, o.name, o.kind FROM spans s JOIN ops o ON o.id = s.op
  WHERE trace_id = ? AND span_id = ?`;

/** One span of a trace in one partition, or `undefined`. */
export function spanOf(
  db: DatabaseSync,
  traceId: Uint8Array,
  spanId: Uint8Array,
): StoredSpan | undefined {
  const row = db.prepare(SPAN).get(traceId, spanId);
  if (row === undefined) return undefined;
  const chunk = db.prepare("SELECT data FROM chunks WHERE id = ?").get(row["chunk"] ?? null);
  return toSpan(row, new ReadChunk(chunk?.["data"] as Uint8Array));
}

function toSpan(row: Row, chunk: ReadChunk): StoredSpan {
  const detail = chunk.detail(Number(row["slot"]));
  const parent = row["parent_id"];
  return {
    ...detail,
    traceId: Buffer.from(row["trace_id"] as Uint8Array),
    spanId: Buffer.from(row["span_id"] as Uint8Array),
    parentId: parent instanceof Uint8Array ? Buffer.from(parent) : undefined,
    service: String(row["service"]),
    node: originOf(detail.resource).node,
    name: String(row["name"]),
    kind: Number(row["kind"]),
    startUs: Number(row["start_us"]),
    startSub: Number(row["start_sub"]),
    durationNs: Number(row["duration_ns"]),
    status: Number(row["status"]),
    selfNs: Number(row["self_ns"]),
  };
}

/** Log records of a trace in one partition, by time. */
export function logsOf(db: DatabaseSync, traceId: Uint8Array, limit: number): DecodedLog[] {
  const rows = db
    .prepare("SELECT * FROM logs WHERE trace_id = ? ORDER BY at_ns LIMIT ?")
    .all(traceId, limit);
  return rows.map((row) => ({
    traceId: Buffer.from(traceId),
    spanId: row["span_id"] instanceof Uint8Array ? Buffer.from(row["span_id"]) : undefined,
    service: String(row["service"]),
    atNs: BigInt(String(row["at_ns"])),
    severity: Number(row["severity"]),
    body: parsed(String(row["body"])),
    attributes: parsed(String(row["attributes"])) as DecodedLog["attributes"],
  }));
}

/** Text that was cut is no JSON any more, and is shown as it is. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
