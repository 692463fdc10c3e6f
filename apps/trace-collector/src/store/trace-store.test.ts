import { once } from "node:events";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { Readers } from "../query/readers.ts";
import { search } from "../query/search.ts";
import { storedTrace } from "../query/trace-view.ts";
import { decodedSpan, emptyFolder, idOf } from "../testing.ts";
import { Finisher } from "./finisher.ts";
import { Partitions } from "./partitions.ts";

const HOUR_MS = 3_600_000;
const NOW_MS = Date.parse("2026-11-23T14:30:00Z");
const GENEROUS = { ms: 48 * HOUR_MS, bytes: 1e9 };

const filesOf = (data: string): string[] =>
  readdirSync(join(data, "traces"))
    .filter((name) => name.endsWith(".db"))
    .toSorted();

test("each span goes to the file of its hour, and is stored once however often and late it comes", () => {
  const data = emptyFolder();
  using partitions = new Partitions({ data, retention: GENEROUS });
  const spans = [decodedSpan(1, 1, NOW_MS), decodedSpan(1, 2, NOW_MS - HOUR_MS)];
  expect(partitions.add(spans, []).added).toBe(2);
  expect(partitions.add(spans, []).added).toBe(0);
  expect(filesOf(data)).toEqual(["2026-11-23T13.db", "2026-11-23T14.db"]);
  using readers = new Readers(data);
  expect(
    storedTrace(readers, idOf(1, 16)).spans.map(({ spanId }) => spanId.toString("hex")),
  ).toEqual([idOf(2, 8), idOf(1, 8)]);
});

test("a busy hour gets further files, across which a span is still stored once", () => {
  const data = emptyFolder();
  using partitions = new Partitions({ data, retention: GENEROUS, partitionSpansMax: 10 });
  const batch = (from: number) =>
    Array.from({ length: 10 }, (_, n) => decodedSpan(from + n, from + n, NOW_MS));
  for (const from of [1, 11, 21, 1, 11, 21]) partitions.add(batch(from), []);
  expect(filesOf(data)).toContain("2026-11-23T14-2.db");
  using readers = new Readers(data);
  expect(search(readers, { of: "spans" }).totals).toEqual({ spans: 30, traces: 30 });
});

test("what is too old goes with its file; failed traces stay longer, pinned ones for ever", () => {
  const data = emptyFolder();
  using partitions = new Partitions({ data, retention: { ms: HOUR_MS, bytes: 1e9 } });
  partitions.add(
    [
      decodedSpan(1, 1, NOW_MS),
      decodedSpan(2, 2, NOW_MS, { status: 2 }),
      decodedSpan(3, 3, NOW_MS),
    ],
    [],
  );
  partitions.pin(Buffer.from(idOf(3, 16), "hex"), true);
  const kept = (): number[] => {
    using readers = new Readers(data);
    return [1, 2, 3].filter((n) => storedTrace(readers, idOf(n, 16)).spans.length > 0);
  };
  partitions.trim(NOW_MS + HOUR_MS);
  expect(kept()).toEqual([1, 2, 3]);
  partitions.trim(NOW_MS + 2 * HOUR_MS);
  expect([kept(), filesOf(data)]).toEqual([
    [2, 3],
    ["errors-2026-11-23.db", "pinned.db"],
  ]);
  partitions.trim(NOW_MS + 100 * HOUR_MS);
  expect([kept(), filesOf(data)]).toEqual([[3], ["pinned.db"]]);
});

test("the oldest files go when there are too many bytes, never the newest", () => {
  const data = emptyFolder();
  using partitions = new Partitions({ data, retention: { ms: 48 * HOUR_MS, bytes: 400_000 } });
  for (const ago of [3, 2, 1, 0]) {
    const atMs = NOW_MS - ago * HOUR_MS;
    partitions.add(
      Array.from({ length: 100 }, (_, n) => decodedSpan(n, ago * 100 + n, atMs)),
      [],
    );
  }
  partitions.trim(NOW_MS);
  expect(filesOf(data)).not.toContain("2026-11-23T11.db");
  expect(filesOf(data)).toContain("2026-11-23T14.db");
});

test("a full disk drops the oldest unpinned file, then refuses; reading goes on", () => {
  const data = emptyFolder();
  using partitions = new Partitions({ data, retention: GENEROUS, pagesMax: 60 });
  partitions.add([decodedSpan(1, 1, NOW_MS - HOUR_MS)], []);
  const text = Array.from({ length: 400 }, (_, n) => (n * 2_654_435_761).toString(36)).join("");
  const fill = (): void => {
    for (let n = 2; n < 5_000; n++)
      partitions.add([decodedSpan(n, n, NOW_MS, { attributes: { text: text + n } })], []);
  };
  expect(fill).toThrow(expect.objectContaining({ code: "ERR_STORE_FULL" }));
  expect(existsSync(join(data, "traces", "2026-11-23T13.db"))).toBe(false);
  using readers = new Readers(data);
  const { totals } = search(readers, { of: "spans" });
  expect(totals?.spans).toBeGreaterThan(10);
  expect(storedTrace(readers, idOf(totals?.spans ?? 0, 16)).spans).toHaveLength(1);
});

test("self times are right when late spans come, once the trace is quiet", () => {
  const data = emptyFolder();
  using partitions = new Partitions({ data, retention: GENEROUS });
  const finisher = new Finisher(partitions);
  const ms = (from: number, to: number, about = {}) => ({
    startUs: (NOW_MS + from) * 1_000,
    durationNs: (to - from) * 1e6,
    ...about,
  });
  const parentId = Buffer.from(idOf(1, 8), "hex");
  const store = (span: ReturnType<typeof decodedSpan>, atMs: number): void => {
    partitions.add([span], []);
    finisher.touch([span], atMs);
  };
  const self = (): number => {
    using readers = new Readers(data);
    return (storedTrace(readers, idOf(1, 16)).spans[0]?.selfNs ?? 0) / 1e6;
  };
  store(decodedSpan(1, 1, NOW_MS, ms(0, 100)), 0);
  store(decodedSpan(1, 2, NOW_MS, ms(10, 40, { parentId })), 1);
  finisher.run(4_000);
  expect(self()).toBe(100);
  finisher.run(6_000);
  expect(self()).toBe(70);
  store(decodedSpan(1, 3, NOW_MS, ms(30, 60, { parentId })), 7_000);
  store(decodedSpan(1, 4, NOW_MS, ms(90, 150, { parentId, kind: 5 })), 7_001);
  finisher.run(13_000);
  expect(self()).toBe(50);
});

test("what is stored waits while somebody else holds the file for a moment", async () => {
  const data = emptyFolder();
  using partitions = new Partitions({ data, retention: GENEROUS });
  partitions.add([decodedSpan(1, 1, NOW_MS)], []);
  const file = join(data, "traces", "2026-11-23T14.db");
  const holder = new Worker(
    `const { DatabaseSync } = require("node:sqlite");
    const { parentPort, workerData } = require("node:worker_threads");
    const db = new DatabaseSync(workerData);
    db.exec("BEGIN IMMEDIATE");
    parentPort.postMessage("held");
    setTimeout(() => { db.exec("ROLLBACK"); db.close(); }, 300);`,
    { eval: true, workerData: file },
  );
  await once(holder, "message");
  expect(partitions.add([decodedSpan(2, 2, NOW_MS)], []).added).toBe(1);
  await once(holder, "exit");
});
