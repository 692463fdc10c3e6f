import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import type { SpanFilter } from "../api.ts";
import { ReadChunk } from "../store/attribute-chunk.ts";
import { HAS_ROW_ID, spanRowId } from "../store/schema.ts";

/** A filter as SQL over `spans s JOIN ops o`. */
export interface Condition {
  readonly where: string;
  readonly parameters: readonly SQLInputValue[];
}

const US = 1_000;
const NS = 1_000_000;

/** What `filter` asks of a partition. Attributes and text are looked for in its chunks first. */
export function conditionOf(db: DatabaseSync, filter: SpanFilter): Condition {
  const parts = ["1"];
  const parameters: SQLInputValue[] = [];
  const add = (part: string, parameter: SQLInputValue | undefined): void => {
    if (parameter === undefined) return;
    parts.push(part);
    parameters.push(parameter);
  };
  const scaled = (value: number | undefined, by: number): number | undefined =>
    value === undefined ? undefined : Math.round(value * by);
  addOperation(db, filter, parts);
  add("s.start_us >= ?", scaled(filter.fromMs, US));
  add("s.start_us <= ?", scaled(filter.toMs, US));
  add("s.duration_ns >= ?", scaled(filter.minMs, NS));
  add("s.duration_ns <= ?", scaled(filter.maxMs, NS));
  if (filter.error !== undefined) parts.push(filter.error ? "s.status = 2" : "s.status <> 2");
  if ((filter.attributes?.length ?? 0) > 0 || filter.text) {
    const hasId = db.prepare(HAS_ROW_ID).get() !== undefined;
    const [place, column] = hasId ? ["s.id", "id"] : ["(s.chunk, s.slot)", "chunk, slot"];
    parts.push(`${place} IN (SELECT ${column} FROM hits)`);
    findHits(db, filter);
  }
  return { where: parts.join(" AND "), parameters };
}

function addOperation(db: DatabaseSync, { service, operation }: SpanFilter, parts: string[]): void {
  if (service === undefined && operation === undefined) return;
  const ids = db
    .prepare("SELECT id FROM ops WHERE (?1 IS NULL OR service = ?1) AND (?2 IS NULL OR name = ?2)")
    .all(service ?? null, operation ?? null);
  parts.push(`s.op IN (${ids.map(({ id }) => Number(id)).join()})`);
}

/** Fills the temporary table `hits` with the spans whose details fit. */
function findHits(db: DatabaseSync, { attributes = [], text, fromMs, toMs }: SpanFilter): void {
  db.exec(`PRAGMA query_only = OFF;
    CREATE TEMP TABLE IF NOT EXISTS hits (id INTEGER PRIMARY KEY, chunk INTEGER, slot INTEGER);
    DELETE FROM hits;`);
  const insert = db.prepare("INSERT INTO hits VALUES (?, ?, ?) ON CONFLICT DO NOTHING");
  const wanted = text?.toLowerCase();
  const names = wanted === undefined ? new Set<string>() : namedLike(db, wanted);
  const chunks = db.prepare("SELECT id, data FROM chunks WHERE max_us >= ? AND min_us <= ?");
  const range = [
    (fromMs ?? 0) * US,
    Math.min((toMs ?? 9e12) * US, Number.MAX_SAFE_INTEGER),
  ] as const;
  for (const { id, data } of chunks.iterate(Math.floor(range[0]), Math.ceil(range[1]))) {
    const chunk = new ReadChunk(data as Uint8Array);
    if (!mayHave(chunk, attributes)) continue;
    for (const [slot, line] of chunk.lines.entries()) {
      if (
        wanted !== undefined &&
        !line.toLowerCase().includes(wanted) &&
        !names.has(`${String(id)}/${slot}`)
      )
        continue;
      if (attributes.length === 0 || hasAttributes(chunk, slot, line, attributes))
        insert.run(spanRowId(Number(id), slot), Number(id), slot);
    }
  }
  db.exec("PRAGMA query_only = ON");
}

/** Spans whose service or operation has the text. */
function namedLike(db: DatabaseSync, wanted: string): Set<string> {
  const sql = `SELECT chunk, slot FROM spans WHERE op IN
    (SELECT id FROM ops WHERE instr(lower(name), ?1) > 0 OR instr(lower(service), ?1) > 0)`;
  return new Set(
    db
      .prepare(sql)
      .all(wanted)
      .map(({ chunk, slot }) => `${String(chunk)}/${String(slot)}`),
  );
}

/** False when JSON has one of the attributes nowhere: most that is read is not looked at closer. */
const mayHave = (
  json: { includes(text: string): boolean },
  attributes: NonNullable<SpanFilter["attributes"]>,
): boolean =>
  attributes.every(([key, value]) => {
    const name = `${JSON.stringify(key)}:`;
    return json.includes(name + JSON.stringify(value)) || json.includes(name + value);
  });

function hasAttributes(
  chunk: ReadChunk,
  slot: number,
  line: string,
  attributes: NonNullable<SpanFilter["attributes"]>,
): boolean {
  const resource = chunk.resources[chunk.resourceAt(line)] ?? {};
  const others = attributes.filter(([key, value]) => textOf(resource[key]) !== value);
  if (!mayHave(line, others)) return false;
  const own = chunk.detail(slot).attributes;
  return attributes.every(([key, value]) => textOf(own[key] ?? resource[key]) === value);
}

/** An attribute as it is searched for. */
const textOf = (value: unknown): string | undefined =>
  value === undefined || typeof value === "string" ? value : JSON.stringify(value);
