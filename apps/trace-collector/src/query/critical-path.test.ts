import { expect, test } from "vitest";
import { type AwaitedSpan, criticalPath } from "./critical-path.ts";
import { selfTimes } from "./self-time.ts";

/** A span from one time to another. */
const span = (
  id: string,
  parent: string | undefined,
  ...[startNs, endNs, about = {}]: [from: number, to: number, about?: Partial<AwaitedSpan>]
): AwaitedSpan => ({ id, parent, startNs, durationNs: endNs - startNs, kind: 2, ...about });
const path = (...spans: AwaitedSpan[]): string =>
  criticalPath(spans)
    .map(({ id, fromNs, toNs }) => `${id}${fromNs}-${toNs}`)
    .join(" ");

test("follows the child that ended last, and children that touch", () => {
  expect(path(span("a", undefined, 0, 100), span("b", "a", 0, 50), span("c", "a", 50, 100))).toBe(
    "b0-50 c50-100",
  );
  expect(path(span("a", undefined, 0, 100), span("b", "a", 10, 60), span("c", "a", 20, 90))).toBe(
    "a0-20 c20-90 a90-100",
  );
});

test("a call that was awaited late counts from then on only", () => {
  expect(path(span("a", undefined, 0, 100), span("b", "a", 10, 80, { awaitNs: 30 }))).toBe(
    "a0-50 b50-80 a80-100",
  );
  expect(path(span("a", undefined, 0, 100), span("b", "a", 10, 80, { awaitNs: 0 }))).toBe("a0-100");
});

test("consumers, children that go on, cycles and orphans do not disturb it", () => {
  expect(
    path(
      span("a", undefined, 0, 100),
      span("b", "a", 10, 80, { kind: 5 }),
      span("c", "a", 50, 200),
    ),
  ).toBe("a0-100");
  expect(path(span("a", "b", 0, 10), span("b", "a", 0, 10))).toBe("");
  expect(path(span("a", "lost", 0, 10), span("b", "a", 2, 4))).toBe("a0-2 b2-4 a4-10");
});

test("the path of a chain of 100 000 spans does not exhaust the stack, and covers the root", () => {
  const chain = Array.from({ length: 100_000 }, (_, n) =>
    span(String(n), n === 0 ? undefined : String(n - 1), n, 300_000 - n),
  );
  const steps = criticalPath(chain);
  expect(steps.reduce((sum, { fromNs, toNs }) => sum + toNs - fromNs, 0)).toBe(300_000);
});

test("self time is what the union of children, cut to the span, leaves", () => {
  const spans = [
    span("a", undefined, 0, 100),
    span("b", "a", 10, 40),
    span("c", "a", 30, 60),
    span("d", "a", 90, 150),
    span("e", "a", 0, 100, { kind: 5 }),
    span("f", "f", 0, 7),
  ];
  expect([...selfTimes(spans)]).toEqual([40, 30, 30, 60, 100, 7]);
});
