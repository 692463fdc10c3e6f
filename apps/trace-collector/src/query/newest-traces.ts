import type { DatabaseSync } from "node:sqlite";
import type { SearchQuery } from "../api.ts";
import type { Condition } from "./matching.ts";
import type { Row } from "./readers.ts";

/** Where the page before has ended. */
interface After {
  readonly value: number;
  readonly traceId: string;
  readonly spanId: string;
}

const FROM = "FROM spans s INDEXED BY spans_start CROSS JOIN ops o ON o.id = s.op";
const PLACE = "(s.start_us, s.trace_id, s.span_id)";

/** True when nothing but time narrows the search: then the newest traces are found without reading all. */
export const isOfTimeAlone = (query: SearchQuery): boolean =>
  query.of !== "spans" &&
  query.sort !== "duration" &&
  [query.service, query.operation, query.minMs, query.maxMs, query.error].every(
    (each) => each === undefined,
  ) &&
  !query.text &&
  (query.attributes ?? []).length === 0;

/** Traces by their newest span, newest first, each once, at most `limit`. */
export function newestTraces(
  db: DatabaseSync,
  { where, parameters }: Condition,
  { after, limit }: { readonly after: After | undefined; readonly limit: number },
): Row[] {
  const place =
    after === undefined
      ? []
      : [after.value, Buffer.from(after.traceId, "hex"), Buffer.from(after.spanId, "hex")];
  const below = after === undefined ? "1" : `${PLACE} < (?, ?, ?)`;
  const rows = db
    .prepare(
      `SELECT s.trace_id, s.span_id, s.start_us, s.duration_ns, s.status, s.op, s.start_us AS value,
        o.service, o.name ${FROM} WHERE ${where} AND ${below}
        ORDER BY s.start_us DESC, s.trace_id DESC, s.span_id DESC`,
    )
    .iterate(...parameters, ...place);
  // A trace that an earlier page has shown goes on below it.
  const shown = db.prepare(
    `SELECT 1 FROM spans s WHERE s.trace_id = ? AND ${where} AND ${PLACE} >= (?, ?, ?) LIMIT 1`,
  );
  const found: Row[] = [];
  const seen = new Set<string>();
  for (const row of rows) {
    const traceId = row["trace_id"] as Uint8Array;
    const key = Buffer.from(traceId).toString("latin1");
    if (seen.has(key)) continue;
    seen.add(key);
    if (place.length > 0 && shown.get(traceId, ...parameters, ...place) !== undefined) continue;
    if (found.push(row) === limit) break;
  }
  return found;
}
