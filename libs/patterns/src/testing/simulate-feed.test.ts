import { expect, test } from "vitest";
import { simulateFeed } from "./index.ts";

test("the same seed gives the same events", () => {
  expect(simulateFeed(7)).toEqual(simulateFeed(7));
});

test("followers miss nothing that they are not told of, through 150 seeds of faults", () => {
  const runs = Array.from({ length: 150 }, (_, i) => simulateFeed(i + 1));
  expect(runs.filter(({ failure }) => failure !== undefined)).toEqual([]);
});

// Seeds that failed once, and what they found.
test.each([[51, "a mark and zeroes at the end of a log were taken for a record"]])(
  "seed %i: %s",
  (seed) => {
    expect(simulateFeed(seed).failure).toBeUndefined();
  },
);
