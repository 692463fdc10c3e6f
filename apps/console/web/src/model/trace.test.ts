import { describe, expect, test } from "vitest";
import type { OtlpSpan } from "./otlp.ts";
import { type Trace, traceOf } from "./trace.ts";

type Short = readonly [id: string, parent: string, fromMs: number, toMs: number, kind?: number];

const T0 = 1_795_000_000_000n;
const nano = (ms: number): string => String(T0 * 1_000_000n + BigInt(Math.round(ms * 1e6)));

/** Spans as OTLP would bring them, in the order given. */
function trace(...spans: readonly Short[]): Trace {
  const otlp = spans.map(
    ([spanId, parentSpanId, from, to, kind = 2]): OtlpSpan => ({
      traceId: "1",
      spanId,
      parentSpanId,
      name: spanId,
      kind,
      startTimeUnixNano: nano(from),
      endTimeUnixNano: nano(to),
    }),
  );
  return traceOf("1", { resourceSpans: [{ scopeSpans: [{ spans: otlp }] }] });
}

const ids = ({ spans }: Trace): string => spans.map(({ id, depth }) => `${id}${depth}`).join(" ");
const self = ({ spans }: Trace): Record<string, number> =>
  Object.fromEntries(spans.map(({ id, selfMs }) => [id, selfMs]));
const path = ({ spans }: Trace): Record<string, string> =>
  Object.fromEntries(
    spans
      .filter(({ critical }) => critical.length > 0)
      .map(({ id, critical }) => [
        id,
        critical.map(({ fromMs, toMs }) => `${fromMs}-${toMs}`).join(),
      ]),
  );

describe("the order of a trace", () => {
  test("is that of a tree, siblings by start, whatever the order in which they came", () => {
    const found = trace(["d", "b", 3, 4], ["c", "a", 5, 6], ["b", "a", 1, 5], ["a", "", 0, 10]);
    expect(ids(found)).toBe("a0 b1 d2 c1");
    expect(found.spans.map(({ below }) => below)).toEqual([3, 1, 0, 0]);
    expect(found.spans.map(({ parent }) => parent)).toEqual([-1, 0, 1, 0]);
  });

  test("counts from the first span, to the nanosecond", () => {
    const found = trace(["b", "a", 2.000_001, 3], ["a", "", 0, 10]);
    expect(found.spans[1]?.startMs).toBeCloseTo(2.000_001, 9);
    expect(found.startedAtMs).toBe(Number(T0));
    expect(found.durationMs).toBe(10);
  });

  test("shows what has lost its parent, what goes round in a circle and doubles once each", () => {
    const found = trace(
      ["a", "", 0, 9],
      ["o", "gone", 1, 2],
      ["x", "y", 3, 4],
      ["y", "x", 4, 5],
      ["a", "", 0, 9],
    );
    expect(ids(found)).toBe("a0 o0 x0 y1");
    expect([found.orphans, found.cycles]).toEqual([1, 1]);
  });

  test("of nothing is empty", () => {
    expect(traceOf("1", {})).toMatchObject({ spans: [], durationMs: 0, errors: 0 });
  });

  test("of a chain of 100 000 spans needs no recursion", () => {
    const chain = Array.from(
      { length: 100_000 },
      (_, i): Short => [`${i}`, i === 0 ? "" : `${i - 1}`, i, 100_000],
    );
    expect(trace(...chain).spans.at(-1)?.depth).toBe(99_999);
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
        spans.push([`${i}`, `${parent}`, from, from + Math.floor(random() * 500)]);
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
