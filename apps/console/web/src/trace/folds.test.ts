import { expect, test } from "vitest";
import { sample } from "../model/testing.ts";
import type { Trace } from "../model/trace.ts";
import { Folds } from "./folds.ts";
import { rowsOf, viewOf } from "./view.ts";

const id = (short: string): string => short.padStart(16, "0");
/** 1 is the root; 2 with 3 with 4, and 5 with 6 are below it. */
const trace = sample(
  ["1", "", 0, 100],
  ["2", "1", 1, 50],
  ["3", "2", 2, 40],
  ["4", "3", 3, 30],
  ["5", "1", 60, 90],
  ["6", "5", 61, 80],
);
const rows = (collapsed: string, of: Trace = trace): string => {
  const view = viewOf(of, new URLSearchParams({ collapsed }));
  return rowsOf(of, view, new Set())
    .map((span) => span.id.replace(/^0+/, ""))
    .join("");
};
const spanOf = (short: string) => trace.find(id(short)) ?? expect.fail(`no ${short}`);

test("named spans are collapsed, all the others are not", () => {
  expect(rows("")).toBe("123456");
  expect(rows(id("2"))).toBe("1256");
  expect(rows(`${id("3")},${id("5")},nonsense`)).toBe("1235");
});

test("all is one word, after which named spans are open", () => {
  expect(rows("all")).toBe("125");
  expect(rows(`all,${id("2")}`)).toBe("1235");
  expect(rows(`all,${id("1")}`)).toBe("1");
  const folds = new Folds(trace, "all");
  expect(folds.toggled(spanOf("2"))).toBe(`all,${id("2")}`);
  expect(new Folds(trace, `all,${id("2")}`).toggled(spanOf("2"))).toBe("all");
  expect(new Folds(trace, id("2")).toggled(spanOf("2"))).toBe("");
});

test("all stays as short for a large trace, and opening one span opens what is above it", () => {
  const large = sample(
    ["1", "", 0, 1e6],
    ...Array.from(
      { length: 2_000 },
      (_, n) => [(n + 2).toString(16), (n + 1).toString(16), n, 1e6 - n] as const,
    ),
  );
  expect(rows("all", large)).toBe("12");
  expect(rows(new Folds(trace, "all").showing(trace, spanOf("4")))).toBe("12345");
  expect(rows(new Folds(trace, id("5")).showing(trace, spanOf("4")))).toBe("12345");
  expect(rows(new Folds(trace, id("3")).showing(trace, spanOf("4")))).toBe("123456");
});
