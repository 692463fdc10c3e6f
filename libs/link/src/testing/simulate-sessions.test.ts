import { expect, test } from "vitest";
import { simulateSessions } from "./index.ts";

test("the same seed gives the same events, another seed others", () => {
  const first = simulateSessions(7);
  expect(simulateSessions(7)).toEqual(first);
  expect(simulateSessions(8).hash).not.toBe(first.hash);
});

test("sessions keep their promises through 150 seeds of faults", () => {
  const runs = Array.from({ length: 150 }, (_, i) => simulateSessions(i + 1));
  expect(runs.filter(({ failure }) => failure !== undefined)).toEqual([]);
  expect(runs.some(({ resets }) => resets > 0)).toBe(true);
});

// Seeds that failed once, and what they found.
test.each([[41, "a request to send again was lost while pings kept the line busy"]])(
  "seed %i: %s",
  (seed) => {
    expect(simulateSessions(seed).failure).toBeUndefined();
  },
);
