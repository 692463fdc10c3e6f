import { ATTR_MISSED } from "@zeroplane/tracing/wire";
import { ReadChunk } from "../store/attribute-chunk.ts";
import { type Range, rangeOf } from "./range.ts";
import type { Reader, Readers } from "./readers.ts";

/** What the spans of a feed's receiver say that it did not get. */
export interface Missed {
  readonly from: string;
  readonly to: string;
  readonly missed: number;
}

const NAMED = JSON.stringify(ATTR_MISSED);

const RECEIVED = `SELECT po.service AS a, o.service AS b, s.chunk, s.slot
  FROM links l JOIN spans s ON s.trace_id = l.trace_id AND s.span_id = l.span_id JOIN ops o ON o.id = s.op
  JOIN spans p ON p.trace_id = l.to_trace AND p.span_id = l.to_span JOIN ops po ON po.id = p.op
  WHERE RANGE AND po.service <> o.service ORDER BY s.chunk`;

/** Messages of feeds that did not arrive, by publisher and receiver, as the spans of the range have it. */
export function* missedOf(readers: Readers, range: Range): Generator<Missed> {
  for (const { db } of readers.within(range.fromMs, range.toMs)) yield* missedIn(db, range);
}

function* missedIn(db: Reader["db"], range: Range): Generator<Missed> {
  const { where, parameters } = rangeOf(range);
  const data = db.prepare("SELECT data FROM chunks WHERE id = ?");
  let [id, chunk]: [unknown, ReadChunk | undefined] = [undefined, undefined];
  for (const row of db.prepare(RECEIVED.replace("RANGE", where)).iterate(...parameters)) {
    if (row["chunk"] !== id) {
      id = row["chunk"];
      const read = new ReadChunk(data.get(row["chunk"] ?? null)?.["data"] as Uint8Array);
      // Of most chunks no span has missed anything.
      chunk = read.text.includes(NAMED) ? read : undefined;
    }
    const slot = Number(row["slot"]);
    if (!chunk?.line(slot).includes(NAMED)) continue;
    const missed = Number(chunk.detail(slot).attributes[ATTR_MISSED]);
    if (missed > 0) yield { from: String(row["a"]), to: String(row["b"]), missed };
  }
}
