import type { OpenRow, SearchRow } from "@zeroplane/trace-collector/api";
import { expect, test } from "vitest";
import { after, ageOf, endedOf, NOTHING, openOf, ROWS_MAX, wantedOf } from "./tail.ts";

const ended = (n: number, about: Partial<SearchRow> = {}): SearchRow => ({
  traceId: "1",
  spanId: String(n),
  service: "shop",
  operation: "pay",
  startMs: n,
  durationMs: 1,
  error: false,
  ...about,
});
const open = (spanId: string, about: Partial<OpenRow> = {}): OpenRow => ({
  traceId: "1",
  spanId,
  service: "shop",
  node: "shop-1",
  operation: "pay",
  startMs: 1_000,
  seenMs: 3_000,
  state: "open",
  ...about,
});
const wanted = (query: string) => wantedOf(new URLSearchParams(query));
const ids = (rows: readonly { readonly spanId: string }[]): string[] =>
  rows.map(({ spanId }) => spanId);

test("the newest spans stand first, and what made way or was not told of is counted", () => {
  let tail = after(NOTHING, { spans: [ended(1), ended(2)], hidden: 5 });
  expect(ids(tail.rows)).toEqual(["2", "1"]);
  const many = Array.from({ length: ROWS_MAX }, (_, n) => ended(n + 3));
  tail = after(tail, { spans: many, hidden: 2 });
  expect(tail).toMatchObject({ came: ROWS_MAX + 2, gone: 2, hidden: 7 });
  expect(ids(tail.rows)).toEqual(ids(many).toReversed());
});

test("what has not ended stays until it is told of anew", () => {
  const page = { open: 1, lost: 0, rows: [open("a")] };
  const tail = after(after(NOTHING, { spans: [], hidden: 0, open: page }), {
    spans: [ended(1)],
    hidden: 0,
  });
  expect(tail.open).toBe(page);
  const none = { open: 0, lost: 0, rows: [] };
  expect(after(tail, { spans: [], hidden: 0, open: none }).open).toBe(none);
});

test("open spans grow older, lost ones do not and stand first", () => {
  const [old, lost, young] = [
    open("old"),
    open("lost", { startMs: 2_000, state: "lost" }),
    open("young", { startMs: 4_000 }),
  ];
  expect([old, lost, young].map((row) => ageOf(row, 5_000))).toEqual([4_000, 1_000, 1_000]);
  expect(ageOf(young, 3_000)).toBe(0);
  const tail = { ...NOTHING, open: { open: 2, lost: 1, rows: [young, old, lost] } };
  expect(ids(openOf(tail, wanted(""), 5_000))).toEqual(["lost", "old", "young"]);
  expect(ids(openOf(tail, wanted("error=true"), 5_000))).toEqual(["lost"]);
  expect(ids(openOf(tail, wanted("minMs=2000"), 5_000))).toEqual(["old"]);
});

test("text is found in names of services, operations and processes, service only as a whole", () => {
  const rows = [open("a"), open("b", { operation: "Refund" }), open("c", { node: "shop-2" })];
  const tail = { ...NOTHING, open: { open: 3, lost: 0, rows } };
  const found = (query: string): string[] => ids(openOf(tail, wanted(query), 5_000));
  expect(found("text=refund")).toEqual(["b"]);
  expect(found("text=SHOP-2")).toEqual(["c"]);
  expect(found("operation=Refund")).toEqual(["b"]);
  expect(found("service=sho")).toEqual([]);
  const { rows: kept } = after(NOTHING, {
    spans: [ended(1), ended(2, { operation: "refund" })],
    hidden: 0,
  });
  expect(ids(endedOf({ ...NOTHING, rows: kept }, wanted("text=ref")))).toEqual(["2"]);
});
