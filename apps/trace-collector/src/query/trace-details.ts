import type { LogPage, SpanDetails } from "../api.ts";
import type { DecodedLog } from "../span.ts";
import { ReadChunk } from "../store/attribute-chunk.ts";
import { logsOf, spanOf } from "../store/trace-rows.ts";
import type { Readers } from "./readers.ts";
import { toLogView } from "./trace-view.ts";

const LOGS_MAX = 10_000;
const HITS_MAX = 10_000;

/** What spans of a trace have beyond a skeleton, by id; those that are not there are left out. */
export function detailsOf(
  readers: Readers,
  traceId: string,
  spanIds: readonly string[],
): Record<string, SpanDetails> {
  const id = Buffer.from(traceId, "hex");
  const found: Record<string, SpanDetails> = {};
  for (const { db } of readers.holding(id)) {
    for (const spanId of spanIds) {
      if (spanId in found) continue;
      const span = spanOf(db, id, Buffer.from(spanId, "hex"));
      if (span === undefined) continue;
      const { attributes, events = [], links, resource = {}, statusMessage } = span;
      found[spanId] = {
        attributes,
        events: events.map(({ name, atNs, attributes: own }) => ({
          name,
          atMs: Number(BigInt(atNs) / 1_000n) / 1_000,
          attributes: own,
        })),
        links,
        resource,
        statusMessage,
      };
    }
  }
  return found;
}

/** Log records of a trace by time, the first 10 000. */
export function logPageOf(readers: Readers, traceId: string): LogPage {
  const id = Buffer.from(traceId, "hex");
  const logs: DecodedLog[] = [];
  let isCut = false;
  for (const { db } of readers.holding(id)) {
    logs.push(...logsOf(db, id, LOGS_MAX + 1));
    logs.sort((a, b) => Number(a.atNs - b.atNs));
    isCut ||= logs.length > LOGS_MAX;
    logs.length = Math.min(logs.length, LOGS_MAX);
  }
  return { logs: logs.map(toLogView), isCut };
}

const SLOTS = "SELECT hex(span_id) AS id, chunk, slot FROM spans WHERE trace_id = ? ORDER BY chunk";

/** Ids of the spans of a trace with `text` in their attributes, events or messages; the first 10 000. */
export function findInTrace(readers: Readers, traceId: string, text: string): string[] {
  const id = Buffer.from(traceId, "hex");
  const wanted = text.toLowerCase();
  const hits = new Set<string>();
  for (const { db } of readers.holding(id)) {
    const data = db.prepare("SELECT data FROM chunks WHERE id = ?");
    let [chunkId, chunk]: [unknown, ReadChunk | undefined] = [undefined, undefined];
    for (const row of db.prepare(SLOTS).iterate(id)) {
      if (row["chunk"] !== chunkId) {
        chunkId = row["chunk"];
        chunk = new ReadChunk(data.get(row["chunk"] ?? null)?.["data"] as Uint8Array);
      }
      if (chunk?.line(Number(row["slot"])).toLowerCase().includes(wanted))
        hits.add(String(row["id"]).toLowerCase());
      if (hits.size >= HITS_MAX) return [...hits];
    }
  }
  return [...hits];
}
