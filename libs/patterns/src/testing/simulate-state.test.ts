import { expect, test } from "vitest";
import { simulateState } from "./index.ts";

test("the same seed gives the same events", () => {
  expect(simulateState(7)).toEqual(simulateState(7));
});

test("views show what the owner had, through 150 seeds of faults", () => {
  const runs = Array.from({ length: 150 }, (_, i) => simulateState(i + 1));
  expect(runs.filter(({ failure }) => failure !== undefined)).toEqual([]);
});
