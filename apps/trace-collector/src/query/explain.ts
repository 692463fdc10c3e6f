import type { Difference, Explanation, SpanFilter, TimeBox } from "../api.ts";
import { ReadChunk } from "../store/attribute-chunk.ts";
import { conditionOf } from "./matching.ts";
import type { Reader, Readers, Row } from "./readers.ts";
import { search } from "./search.ts";

/** Spans of each side that are looked at; of more these are a fair sample. */
const SAMPLE = 2_000;
const PAIRS_MAX = 50_000;
const VALUE_MAX = 200;
const DIFFERENCES_MAX = 30;
const EXAMPLES = 5;
/** A smaller difference of shares says nothing. */
const SHARE_MIN = 0.05;

/** What the spans in `box` have that the others of `filter` have not, or the other way round; the clearest first. */
export function explain(readers: Readers, filter: SpanFilter, box: TimeBox): Explanation {
  const [inside, outside] = [new Side(within(box)), new Side(`NOT (${within(box)})`)];
  for (const reader of readers.within(filter.fromMs, filter.toMs)) {
    inside.draw(reader, filter);
    outside.draw(reader, filter);
  }
  for (const reader of readers.within(filter.fromMs, filter.toMs)) {
    inside.look(reader);
    outside.look(reader);
  }
  const narrowed: SpanFilter = {
    ...filter,
    fromMs: Math.max(box.fromMs, filter.fromMs ?? 0),
    toMs: Math.min(box.toMs, filter.toMs ?? Number.MAX_SAFE_INTEGER),
    minMs: Math.max(box.minMs, filter.minMs ?? 0),
    maxMs: Math.min(box.maxMs, filter.maxMs ?? Number.MAX_SAFE_INTEGER),
  };
  const examples = search(readers, { ...narrowed, of: "spans", sort: "duration", limit: EXAMPLES });
  return {
    inside: inside.counted(),
    outside: outside.counted(),
    differences: differencesOf(inside, outside),
    examples: examples.rows,
  };
}

const within = ({ fromMs, toMs, minMs, maxMs }: TimeBox): string =>
  `s.start_us BETWEEN ${Math.floor(fromMs * 1_000)} AND ${Math.ceil(toMs * 1_000)}
    AND s.duration_ns BETWEEN ${Math.floor(minMs * 1e6)} AND ${Math.ceil(maxMs * 1e6)}`;

/** A span that is to be looked at. */
interface Drawn {
  /** Where it is. */
  readonly partition: string;
  /** The last bytes of its id: as good as drawn by lot, and the same each time. */
  readonly lot: string;
  readonly row: Row;
}

/** Spans in the box, or outside it. */
class Side {
  readonly pairs = new Map<string, number>();
  readonly #where: string;
  #spans = 0;
  #looked = 0;
  /** Pairs that were not counted since there were too many. */
  #skipped = 0;
  #drawn: Drawn[] = [];

  constructor(where: string) {
    this.#where = where;
  }

  /** Counts those of a partition, and draws the sample anew with them. */
  draw({ db, name }: Reader, filter: SpanFilter): void {
    const { where, parameters } = conditionOf(db, filter);
    const from = `FROM spans s JOIN ops o ON o.id = s.op WHERE ${where} AND ${this.#where}`;
    this.#spans += Number(db.prepare(`SELECT count(*) AS n ${from}`).get(...parameters)?.["n"]);
    const sql = `SELECT s.chunk, s.slot, s.status, o.service, o.name, hex(substr(s.span_id, 5)) AS lot ${from}
      ORDER BY lot LIMIT ${SAMPLE}`;
    for (const row of db.prepare(sql).iterate(...parameters))
      this.#drawn.push({ partition: name, lot: String(row["lot"]), row });
    this.#drawn.sort((a, b) => (a.lot < b.lot ? -1 : 1));
    this.#drawn.length = Math.min(this.#drawn.length, SAMPLE);
  }

  /** Counts what those of the sample have that are in a partition. */
  look({ db, name }: Reader): void {
    const data = db.prepare("SELECT data FROM chunks WHERE id = ?");
    const rows = this.#drawn.filter(({ partition }) => partition === name).map(({ row }) => row);
    for (const [id, own] of Map.groupBy(rows, ({ chunk }) => Number(chunk))) {
      const chunk = new ReadChunk(data.get(id)?.["data"] as Uint8Array);
      for (const row of own) this.#count(row, chunk);
    }
  }

  get isEmpty(): boolean {
    return this.#looked === 0;
  }

  counted(): Explanation["inside"] {
    return { spans: this.#spans, looked: this.#looked, skipped: this.#skipped };
  }

  shareOf(key: string): number {
    return (this.pairs.get(key) ?? 0) / Math.max(this.#looked, 1);
  }

  #count(row: Row, chunk: ReadChunk): void {
    this.#looked++;
    const { attributes, resource } = chunk.detail(Number(row["slot"]));
    this.#tally("service", "", row["service"]);
    this.#tally("operation", String(row["service"]), row["name"]);
    this.#tally("error", "", row["status"] === 2);
    for (const [key, value] of Object.entries({ ...resource, ...attributes }))
      if (key !== "service.name") this.#tally("attribute", key, value);
  }

  #tally(kind: Difference["kind"], key: string, value: unknown): void {
    if (value === null || typeof value === "object") return;
    const text = typeof value === "string" ? value : JSON.stringify(value);
    if (text.length > VALUE_MAX) return;
    const pair = JSON.stringify([kind, key, text]);
    const before = this.pairs.get(pair);
    if (before === undefined && this.pairs.size >= PAIRS_MAX) this.#skipped++;
    else this.pairs.set(pair, (before ?? 0) + 1);
  }
}

function differencesOf(inside: Side, outside: Side): Difference[] {
  if (inside.isEmpty || outside.isEmpty) return [];
  const pairs = new Set([...inside.pairs.keys(), ...outside.pairs.keys()]);
  const found: Difference[] = [];
  for (const pair of pairs) {
    const [a, b] = [inside.shareOf(pair), outside.shareOf(pair)];
    if (Math.abs(a - b) < SHARE_MIN) continue;
    const [kind, key, value] = JSON.parse(pair) as [Difference["kind"], string, string];
    found.push({ kind, key, value, inside: a, outside: b });
  }
  const size = (each: Difference): number => Math.abs(each.inside - each.outside);
  // What is more common in the box can be searched for, and stands first among equals.
  found.sort((x, y) => size(y) - size(x) || y.inside - x.inside);
  return found.slice(0, DIFFERENCES_MAX);
}
