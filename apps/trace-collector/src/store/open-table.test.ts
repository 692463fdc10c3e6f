import type { OpenReport, OpenSpan } from "@zeroplane/tracing/wire";
import { expect, test } from "vitest";
import { OpenReader } from "../query/open.ts";
import { decodedSpan, emptyFolder, idOf } from "../testing.ts";
import { OpenTable } from "./open-table.ts";

const NOW = Date.now();

const openSpan = (trace: number, span: number, about: Partial<OpenSpan> = {}): OpenSpan => ({
  traceId: Buffer.from(idOf(trace, 16), "hex"),
  spanId: Buffer.from(idOf(span, 8), "hex"),
  parentId: undefined,
  name: "work",
  kind: 2,
  startMs: NOW - 10_000,
  ...about,
});

const report = (spans: readonly OpenSpan[], about: Partial<OpenReport> = {}): OpenReport => ({
  resource: { "service.name": "shop", "service.instance.id": "shop-1" },
  boot: "b1",
  state: "alive",
  atMs: NOW,
  everyMs: 5_000,
  open: spans.length,
  spans,
  ...about,
});

const noneStored = (): boolean => false;

test("each report of a process replaces the one before; others stay", () => {
  const data = emptyFolder();
  using table = new OpenTable(data, noneStored);
  using reader = new OpenReader(data);
  table.report(report([openSpan(1, 1), openSpan(1, 2)]), NOW);
  table.report(report([openSpan(2, 3)], { boot: "b2" }), NOW);
  expect(table.counts).toEqual({ open: 3, lost: 0, openForgotten: 0 });
  table.report(report([openSpan(1, 2)]), NOW);
  const { rows } = reader.page();
  expect(rows.map(({ spanId }) => spanId).toSorted()).toEqual([idOf(2, 8), idOf(3, 8)]);
  expect(rows[0]).toMatchObject({ service: "shop", node: "shop-1", operation: "work" });
});

test("a span that ends is open no more, and is not held as lost by a process that was killed", () => {
  const ended = decodedSpan(1, 1, NOW);
  using table = new OpenTable(emptyFolder(), ({ spanId }) => ended.spanId.equals(spanId));
  table.report(report([openSpan(1, 1), openSpan(1, 2)]), NOW);
  expect(table.ended([ended, decodedSpan(9, 9, NOW)])).toBe(true);
  expect(table.ended([ended])).toBe(false);
  table.report(report([openSpan(1, 1), openSpan(1, 2)], { state: "gone" }), NOW);
  expect(table.counts).toEqual({ open: 0, lost: 1, openForgotten: 0 });
});

test("a process that is silent for three reports is gone until it is heard again", () => {
  const data = emptyFolder();
  using table = new OpenTable(data, noneStored);
  using reader = new OpenReader(data);
  table.report(report([openSpan(1, 1)]), NOW);
  expect(table.tick(NOW + 15_000, 0)).toBe(false);
  expect(table.tick(NOW + 15_001, 0)).toBe(true);
  expect(reader.page()).toMatchObject({ open: 0, lost: 1, rows: [{ state: "lost" }] });
  expect(reader.spansOf(Buffer.from(idOf(1, 16), "hex"))[0]?.attributes).toEqual({
    "zp.unfinished": "lost",
  });
  table.report(report([openSpan(1, 1)]), NOW + 20_000);
  expect(reader.page()).toMatchObject({ open: 1, lost: 0, rows: [{ state: "open" }] });
});

test("what is lost is kept as long as spans are, also over an end of the collector", () => {
  const data = emptyFolder();
  {
    using table = new OpenTable(data, noneStored);
    table.report(
      report([openSpan(1, 1), openSpan(1, 2, { startMs: NOW })], { state: "gone" }),
      NOW,
    );
    table.report(report([openSpan(2, 3)], { boot: "b2" }), NOW);
  }
  using table = new OpenTable(data, noneStored);
  expect(table.counts).toMatchObject({ open: 1, lost: 2 });
  expect(table.tick(NOW, NOW - 5_000)).toBe(true);
  expect(table.counts).toMatchObject({ open: 1, lost: 1 });
  expect(table.ended([decodedSpan(1, 2, NOW), decodedSpan(2, 3, NOW)])).toBe(true);
  expect(table.counts).toMatchObject({ open: 0, lost: 0 });
});

test("more than there is room for is counted", () => {
  using table = new OpenTable(emptyFolder(), noneStored);
  for (let boot = 0; boot < 51; boot++) {
    const spans = Array.from({ length: 1_000 }, (_, n) => openSpan(1, boot * 1_000 + n + 1));
    table.report(report(spans, { boot: `b${boot}` }), NOW);
  }
  expect(table.counts).toEqual({ open: 50_000, lost: 0, openForgotten: 1_000 });
});

test("the hole of a process that was killed is told once", () => {
  const data = emptyFolder();
  using table = new OpenTable(data, noneStored);
  using reader = new OpenReader(data);
  const hole = { spans: 7, bytes: 130, sinceMs: NOW - 200 };
  for (let i = 0; i < 2; i++) table.report(report([], { state: "gone", hole }), NOW);
  expect(reader.holes()).toEqual([{ service: "shop", node: "shop-1", ...hole, atMs: NOW }]);
});
