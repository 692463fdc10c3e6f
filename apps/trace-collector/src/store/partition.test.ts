import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { Readers } from "../query/readers.ts";
import { search } from "../query/search.ts";
import { decodedSpan, emptyFolder, idOf } from "../testing.ts";
import { Partition } from "./partition.ts";
import { SCHEMA } from "./schema.ts";
import { spansOf } from "./trace-rows.ts";

const NOW_MS = 1_764_000_000_000;
const failed = { status: 2, statusMessage: "no" };
const many = (from: number, count: number): ReturnType<typeof decodedSpan>[] =>
  Array.from({ length: count }, (_, n) => decodedSpan(from + n, 1, NOW_MS + n));
const counted = ({ db }: Partition, table: string): unknown =>
  db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.["n"];

test("spans that come twice are counted exactly, among those of a statement and of a batch", () => {
  using partition = new Partition(join(emptyFolder(), "a.db"));
  const twice = many(10, 40);
  expect(partition.add([...many(1, 5), ...twice, ...twice, ...many(1, 5)]).added).toBe(45);
  expect(partition.add([...many(40, 20)]).added).toBe(10);
  expect(partition.add(many(1, 5)).added).toBe(0);
  expect(partition.spans).toBe(55);
  expect(counted(partition, "spans")).toBe(55);
});

test("a span that comes again as a failure has not failed", () => {
  using partition = new Partition(join(emptyFolder(), "a.db"));
  partition.add([decodedSpan(1, 1, NOW_MS)]);
  const again = decodedSpan(1, 1, NOW_MS, failed);
  partition.add([again, decodedSpan(2, 1, NOW_MS, failed), ...many(10, 70)]);
  expect(counted(partition, "failures")).toBe(1);
});

test("more than a chunk of spans lie in several, and each finds its own attributes", () => {
  using partition = new Partition(join(emptyFolder(), "a.db"));
  const spans = Array.from({ length: 2_500 }, (_, n) =>
    decodedSpan(n + 1, 1, NOW_MS, { attributes: { n } }),
  );
  expect(partition.add(spans)).toEqual({ added: 2_500, cut: 0 });
  expect(counted(partition, "chunks")).toBe(10);
  for (const n of [0, 999, 1_000, 2_499]) {
    const [span] = spansOf(partition.db, Buffer.from(idOf(n + 1, 16), "hex"), 10);
    expect(span?.attributes).toEqual({ n });
  }
});

test("a file whose spans have their ids as primary key is read, searched and written as before", () => {
  const data = emptyFolder();
  mkdirSync(join(data, "traces"));
  const file = join(data, "traces", "2025-11-24T16.db");
  {
    using old = new DatabaseSync(file);
    old.exec(
      SCHEMA.replace(
        "id INTEGER PRIMARY KEY, trace_id BLOB NOT NULL, span_id",
        "trace_id BLOB NOT NULL, span_id",
      ).replace(
        "UNIQUE (trace_id, span_id)\n  ) STRICT",
        "PRIMARY KEY (trace_id, span_id)\n  ) STRICT, WITHOUT ROWID",
      ),
    );
    expect(
      String(old.prepare("SELECT sql FROM sqlite_master WHERE name = 'spans'").get()?.["sql"]),
    ).toContain("WITHOUT ROWID");
  }
  using partition = new Partition(file);
  expect(partition.add([...many(1, 40), ...many(1, 3)]).added).toBe(40);
  expect(spansOf(partition.db, Buffer.from(idOf(1, 16), "hex"), 10)).toHaveLength(1);
  const { sql } =
    partition.db.prepare("SELECT sql FROM sqlite_master WHERE name = 'spans'").get() ?? {};
  expect(String(sql)).toContain("WITHOUT ROWID");
  partition.add([decodedSpan(99, 7, NOW_MS, { attributes: { user: "u" } })]);
  using readers = new Readers(data);
  const { rows, totals } = search(readers, { of: "spans", attributes: [["user", "u"]] });
  expect([totals?.spans, rows[0]?.spanId]).toEqual([1, idOf(7, 8)]);
});
