import { expect, test } from "vitest";
import { clientSplit, SPLIT_UNAWAITED, serverSplit, splitAttributes } from "./splits.ts";

test.each([0, 0.001, 4.095, 12.345, 4_200_000])(
  "a wait of %d ms is told to the microsecond",
  (ms) => {
    expect(splitAttributes(clientSplit(ms), false)).toEqual({
      "zp.await_ns": Math.round(ms * 1_000) * 1_000,
    });
  },
);

test("a wait of hours is told as 71 minutes", () => {
  const ns = splitAttributes(clientSplit(1e9), false)?.["zp.await_ns"];
  expect(Number(ns) / 60e9).toBeCloseTo(71.58, 1);
  expect(splitAttributes(SPLIT_UNAWAITED, false)).toEqual({ "zp.unawaited": true });
});

test.each([
  [0.001, 4],
  [4.095, 0.002],
  [17.3, 250],
  [60_000, 130_000],
])("queued %d ms and %d ms late are told to 0.05 %%", (queueMs, lagMs) => {
  const { "zp.queue_ns": queueNs, "zp.lag_ns": lagNs } =
    splitAttributes(serverSplit(queueMs, lagMs), true) ?? {};
  expect(Math.abs(Number(queueNs) / 1e6 / queueMs - 1)).toBeLessThan(0.000_5);
  expect(Math.abs(Number(lagNs) / 1e6 / lagMs - 1)).toBeLessThan(0.000_5);
});

test("what took no time is not told, and nothing is longer than 134 s", () => {
  expect(splitAttributes(serverSplit(0, 0), true)).toBeUndefined();
  expect(splitAttributes(serverSplit(1, 0), true)).toEqual({ "zp.queue_ns": 1e6 });
  const { "zp.queue_ns": ns } = splitAttributes(serverSplit(1e7, 0), true) ?? {};
  expect(Number(ns) / 1e9).toBeCloseTo(134.2, 1);
});
