import { expect, test } from "vitest";
import { duration } from "./words.ts";

test("a duration has three digits, and the unit of what it is rounded to", () => {
  const words = [0, 0.0123, 0.9999, 1, 9.999, 99.96, 999.7, 1_234, 59_990, 60_000, 119_700];
  expect(words.map(duration)).toEqual([
    "0",
    "12.3 µs",
    "1.00 ms",
    "1.00 ms",
    "10.0 ms",
    "100 ms",
    "1.00 s",
    "1.23 s",
    "1 min 0 s",
    "1 min 0 s",
    "2 min 0 s",
  ]);
});
