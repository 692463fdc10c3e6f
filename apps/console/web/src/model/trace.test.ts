import { describe, expect, test } from "vitest";
import { type Short, sample as trace } from "./testing.ts";
import type { Trace } from "./trace.ts";

const short = (id: string): string => id.replace(/^0+(?=.)/, "");
const ids = ({ spans }: Trace): string =>
  spans.map(({ id, depth }) => `${short(id)}:${depth}`).join(" ");
const self = ({ spans }: Trace): Record<string, number> =>
  Object.fromEntries(spans.map(({ id, selfMs }) => [short(id), selfMs]));
const path = ({ spans }: Trace): Record<string, string> =>
  Object.fromEntries(
    spans
      .filter(({ critical }) => critical.length > 0)
      .map(({ id, critical }) => [
        short(id),
        critical.map(({ fromMs, toMs }) => `${fromMs}-${toMs}`).join(),
      ]),
  );

describe("the order of a trace", () => {
  test("is that of a tree, siblings by start, whatever the order in which they came", () => {
    const found = trace(["d", "b", 3, 4], ["c", "a", 5, 6], ["b", "a", 1, 5], ["a", "", 0, 10]);
    expect(ids(found)).toBe("a:0 b:1 d:2 c:1");
    expect(found.spans.map(({ below }) => below)).toEqual([3, 1, 0, 0]);
    expect(found.spans.map(({ parent }) => parent)).toEqual([-1, 0, 1, 0]);
  });

  test("finds a span by its id", () => {
    const found = trace(["a", "", 0, 9], ["b", "a", 1, 2]);
    expect(found.find("000000000000000b")).toBe(found.spans[1]);
    expect(found.find("000000000000000c")).toBeUndefined();
    expect(found.find("b")).toBeUndefined();
  });

  test("shows what has lost its parent, what goes round in a circle", () => {
    const found = trace(["a", "", 0, 9], ["b", "f", 1, 2], ["c", "d", 3, 4], ["d", "c", 4, 5]);
    expect(ids(found)).toBe("a:0 b:0 c:0 d:1");
    expect([found.orphans, found.cycles]).toEqual([1, 1]);
  });

  test("of nothing is empty", () => {
    expect(trace()).toMatchObject({ spans: [], durationMs: 0, errors: 0 });
  });

  test("of a chain of 30 000 spans needs no recursion", () => {
    const chain = Array.from(
      { length: 30_000 },
      (_, i): Short => [i.toString(16), i === 0 ? "" : (i - 1).toString(16), i, 30_000],
    );
    expect(trace(...chain).spans.at(-1)?.depth).toBe(29_999);
  });
});

describe("self time", () => {
  test("is without the time in which any child ran, however many at once", () => {
    expect(
      self(trace(["a", "", 0, 10], ["b", "a", 1, 4], ["c", "a", 2, 6], ["d", "a", 8, 9])),
    ).toEqual({
      a: 4,
      b: 3,
      c: 4,
      d: 1,
    });
  });

  test("cuts children to their parent, and leaves out what consumers do", () => {
    expect(self(trace(["a", "", 0, 10], ["b", "a", 8, 20], ["c", "a", 2, 6, 5]))).toMatchObject({
      a: 8,
    });
  });
});

describe("the critical path", () => {
  test("goes back from the end through whoever ended last", () => {
    const found = trace(
      ["a", "", 0, 10],
      ["b", "a", 1, 4],
      ["c", "a", 2, 6],
      ["d", "a", 6, 9],
      ["e", "d", 7, 8],
    );
    expect(path(found)).toEqual({ a: "0-2,9-10", c: "2-6", d: "6-7,8-9", e: "7-8" });
  });

  test("covers the root without holes or overlaps, in a thousand random traces", () => {
    let seed = 1;
    const random = (): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      return seed / 2 ** 32;
    };
    for (let round = 0; round < 1_000; round++) {
      const spans: Short[] = [["0", "", 0, 1_000]];
      for (let i = 1; i < 30; i++) {
        const parent = Math.floor(random() * i);
        const from = Math.floor(random() * 1_000);
        spans.push([i.toString(16), parent.toString(16), from, from + Math.floor(random() * 500)]);
      }
      const parts = trace(...spans)
        .spans.flatMap(({ critical }) => critical)
        .sort((a, b) => a.fromMs - b.fromMs);
      let at = 0;
      for (const { fromMs, toMs } of parts) {
        expect(fromMs).toBe(at);
        expect(toMs).toBeGreaterThan(fromMs);
        at = toMs;
      }
      expect(at).toBe(1_000);
    }
  });
});
