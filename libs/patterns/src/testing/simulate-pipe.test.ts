import { expect, test } from "vitest";
import { simulatePipe } from "./index.ts";

test("the same seed gives the same events", () => {
  expect(simulatePipe(7)).toEqual(simulatePipe(7));
});

test("whatever was pushed came or is counted, through 150 seeds of faults", () => {
  const runs = Array.from({ length: 150 }, (_, i) => simulatePipe(i + 1));
  expect(runs.filter(({ failure }) => failure !== undefined)).toEqual([]);
});
