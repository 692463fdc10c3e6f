import { expect, test } from "vitest";
import { idOf } from "../testing.ts";
import { TouchedTraces } from "./touched-traces.ts";

const id = (n: number): Buffer => Buffer.from(idOf(n, 16), "hex");

/** The same numbers every time. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

test("the longest quiet comes first, with when its spans began and how many batches brought them", () => {
  const touched = new TouchedTraces();
  touched.touch(id(1), 50, 1);
  touched.touch(id(2), 60, 1);
  touched.touch(id(1), 40, 1);
  touched.touch(id(1), 70, 2);
  expect(touched.quietSinceMs).toBe(1);
  expect(touched.shift()).toEqual({ traceId: id(2), batches: 1, fromMs: 60, toMs: 60 });
  expect(touched.shift()).toEqual({ traceId: id(1), batches: 2, fromMs: 40, toMs: 70 });
  expect(touched.shift()).toBeUndefined();
  expect(touched.quietSinceMs).toBe(Number.POSITIVE_INFINITY);
});

test("it does what a map in order does, whatever comes and goes", () => {
  const next = random(7);
  const touched = new TouchedTraces();
  const model = new Map<number, { batches: number; lastMs: number; from: number; to: number }>();
  for (let step = 0; step < 40_000; step++) {
    // Grows to some thousands, shrinks to nothing, and grows again.
    const grows = step % 20_000 < 9_000 ? 90 : 30;
    if (next(100) < grows) {
      const [n, startMs, nowMs] = [next(6_000), next(1_000), Math.floor(step / 50)];
      touched.touch(id(n), startMs, nowMs);
      const known = model.get(n) ?? { batches: 0, lastMs: -1, from: startMs, to: startMs };
      if (known.lastMs !== nowMs) {
        model.delete(n);
        model.set(n, known);
        known.batches++;
        known.lastMs = nowMs;
      }
      known.from = Math.min(known.from, startMs);
      known.to = Math.max(known.to, startMs);
    } else {
      const [first] = model;
      if (first !== undefined) model.delete(first[0]);
      expect(touched.shift()).toEqual(
        first && {
          traceId: id(first[0]),
          batches: first[1].batches,
          fromMs: first[1].from,
          toMs: first[1].to,
        },
      );
    }
    expect(touched.size).toBe(model.size);
  }
});
