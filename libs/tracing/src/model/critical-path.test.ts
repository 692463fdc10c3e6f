import { expect, test } from "vitest";
import { arrange } from "./arrange.ts";
import { type NamedNode, nowhere } from "./node.ts";
import { selfTimesByName } from "./self-time.ts";

/** A span from one time to another. */
const span = (
  id: string,
  parentId: string,
  ...[startMs, endMs, about = {}]: [from: number, to: number, about?: Partial<NamedNode>]
): NamedNode => ({
  ...nowhere(),
  id,
  parentId,
  startMs,
  endMs,
  kind: 2,
  awaitMs: undefined,
  ...about,
});
const path = (...spans: NamedNode[]): string =>
  arrange(spans)
    .order.flatMap(({ id, critical }) => critical.map((part) => ({ id, ...part })))
    .sort((a, b) => a.fromMs - b.fromMs)
    .map(({ id, fromMs, toMs }) => `${id}${fromMs}-${toMs}`)
    .join(" ");

test("follows the child that ended last, and children that touch", () => {
  expect(path(span("a", "", 0, 100), span("b", "a", 0, 50), span("c", "a", 50, 100))).toBe(
    "b0-50 c50-100",
  );
  expect(path(span("a", "", 0, 100), span("b", "a", 10, 60), span("c", "a", 20, 90))).toBe(
    "a0-20 c20-90 a90-100",
  );
});

test("a call that was awaited late counts from then on only", () => {
  expect(path(span("a", "", 0, 100), span("b", "a", 10, 80, { awaitMs: 30 }))).toBe(
    "a0-50 b50-80 a80-100",
  );
  expect(path(span("a", "", 0, 100), span("b", "a", 10, 80, { awaitMs: 0 }))).toBe("a0-100");
});

test("it begins at the longest root; one whose parent is lost is a root too", () => {
  expect(path(span("a", "", 0, 10), span("b", "", 5, 100), span("c", "b", 20, 30))).toBe(
    "b5-20 c20-30 b30-100",
  );
  expect(path(span("a", "lost", 0, 10), span("b", "a", 2, 4))).toBe("a0-2 b2-4 a4-10");
});

test("consumers, children that go on and cycles do not disturb it", () => {
  expect(
    path(span("a", "", 0, 100), span("b", "a", 10, 80, { kind: 5 }), span("c", "a", 50, 200)),
  ).toBe("a0-100");
  expect(path(span("a", "b", 0, 10), span("b", "a", 0, 10))).toBe("");
});

test("the path of a chain of 30 000 spans does not exhaust the stack, and covers the root", () => {
  const chain = Array.from({ length: 30_000 }, (_, n) =>
    span(String(n), n === 0 ? "" : String(n - 1), n, 100_000 - n),
  );
  const parts = arrange(chain).order.flatMap(({ critical }) => critical);
  expect(parts.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0)).toBe(100_000);
});

test("self time is what the union of children, cut to the span, leaves", () => {
  const spans = [
    span("d", "a", 90, 150),
    span("a", "", 0, 100),
    span("b", "a", 10, 40),
    span("c", "a", 30, 60),
    span("e", "a", 0, 100, { kind: 5 }),
    span("f", "f", 0, 7),
  ];
  expect([...selfTimesByName(spans)]).toEqual([60, 40, 30, 30, 100, 7]);
});
