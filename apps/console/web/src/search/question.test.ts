import { expect, test } from "vitest";
import { boxOf, Grid, textOfBox } from "./box.ts";
import { attributesOf, filterOf, questionOf, withAttribute } from "./question.ts";

test("an attribute is put into the address so that it comes out again, whatever is in it", () => {
  let search = new URLSearchParams("service=shop&sort=duration");
  for (const [key, value] of [
    ["zone", "cold zone"],
    ["n", "3"],
    ["said", 'a "b" = c'],
    ["n", "3"],
  ] as const) {
    search.set("attributes", withAttribute(search, key, value));
  }
  search = new URLSearchParams(String(search));
  expect(attributesOf(search)).toEqual(["zone=cold zone", "n=3", 'said=a "b" = c']);
  const range = new URLSearchParams("fromMs=1&toMs=2");
  expect(filterOf(search, range).has("sort")).toBe(false);
  expect(questionOf(search, range)).toContain("sort=duration");
});

test("a box stays itself in the address, on the grid, and under keys there and back", () => {
  const cell = { at: 1, minMs: 1, maxMs: 2, spans: 1, errors: 0 };
  const grid = new Grid({ fromMs: 1_000, columnMs: 10, columns: 100, cells: [cell] });
  const box = grid.box({ x: 0.5, y: 0.8 }, { x: 0.2, y: 0.4 });
  const back = boxOf(new URLSearchParams({ box: textOfBox(box) }));
  expect(back?.fromMs).toBeCloseTo(1_200, 3);
  expect(back?.toMs).toBeCloseTo(1_500, 3);
  const moved = grid.moved(grid.moved(box, "ArrowUp", false), "ArrowDown", false);
  expect(moved?.maxMs).toBeCloseTo(box.maxMs, 6);
  expect(grid.moved(box, "ArrowRight", true)?.toMs).toBeCloseTo(1_510, 6);
  expect(grid.moved(box, "ArrowRight", true)?.fromMs).toBeCloseTo(1_200, 6);
  expect(grid.moved(box, "x", false)).toBeUndefined();
  expect(boxOf(new URLSearchParams("box=1,2,x,4"))).toBeUndefined();
});
