import { expect, test } from "vitest";
import type { TimeBox } from "../api.ts";
import { TraceStore } from "../store/trace-store.ts";
import { emptyFolder, jsonSpan, otlpJson } from "../testing.ts";

const AGO_MS = 60_000;
const RETENTION = { ms: 3_600_000, bytes: 1e9 };

/** A hundred quick spans, and ten slow ones in another zone, five of which failed. */
async function filled(): Promise<TraceStore> {
  const store = new TraceStore({ data: emptyFolder(), retention: RETENTION });
  const spans = Array.from({ length: 110 }, (_, n) => {
    const isSlow = n >= 100;
    const span = jsonSpan(n + 1, n + 1, {}, AGO_MS - n);
    const startNs = BigInt(String(span["startTimeUnixNano"]));
    return {
      ...span,
      endTimeUnixNano: String(startNs + (isSlow ? 2_000_000_000n : 4_000_000n)),
      attributes: [
        { key: "zone", value: { stringValue: isSlow ? "cold zone" : "warm" } },
        { key: "n", value: { intValue: String(n) } },
      ],
      status: n >= 105 ? { code: 2 } : {},
    };
  });
  await store.add({ kind: "otlp-traces-json", body: Buffer.from(otlpJson(spans)) });
  return store;
}

const range = (): { fromMs: number; toMs: number } => ({
  fromMs: Date.now() - 2 * AGO_MS,
  toMs: Date.now(),
});
const box = (minMs: number, maxMs: number): TimeBox => ({ ...range(), minMs, maxMs });

test("a heatmap counts every span of the range once, in the cell of its time and duration", async () => {
  await using store = await filled();
  const { cells, columns } = await store.query("heatmap", range());
  const sum = (of: "spans" | "errors"): number => cells.reduce((n, cell) => n + cell[of], 0);
  expect([sum("spans"), sum("errors")]).toEqual([110, 5]);
  for (const { at, minMs, maxMs } of cells) {
    expect(at).toBeGreaterThanOrEqual(0);
    expect(at).toBeLessThan(columns);
    expect([4, 2_000].some((ms) => minMs <= ms && ms < maxMs)).toBe(true);
  }
  const open = await store.query("heatmap", { error: true });
  expect(open.cells.reduce((n, { spans }) => n + spans, 0)).toBe(5);
});

test("what sets a box apart comes first, with the shares on both sides", async () => {
  await using store = await filled();
  const found = await store.query("explain", range(), box(1_000, 10_000));
  expect([found.inside.spans, found.outside.spans]).toEqual([10, 100]);
  expect(found.differences[0]).toMatchObject({
    kind: "attribute",
    key: "zone",
    value: "cold zone",
    inside: 1,
    outside: 0,
  });
  const failed = found.differences.find(({ kind, value }) => kind === "error" && value === "true");
  expect(failed).toMatchObject({ inside: 0.5, outside: 0 });
  expect(found.differences.every(({ kind }) => kind !== "service")).toBe(true);
  expect(found.examples).toHaveLength(5);
  expect(found.examples.every(({ durationMs }) => durationMs === 2_000)).toBe(true);
});

test("a box of nothing differs in nothing", async () => {
  await using store = await filled();
  const found = await store.query("explain", range(), box(0.001, 0.002));
  expect(found).toMatchObject({ inside: { spans: 0 }, differences: [], examples: [] });
});
