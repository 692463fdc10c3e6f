import { expect, test } from "vitest";
import { BOX_PX, cornerOf, lineOf, sizeOf } from "./geometry.ts";
import type { Placed } from "./layers.ts";

const at = (name: string, column: number, row: number): Placed => ({ name, column, row });
const [a, b, c] = [at("a", 0, 0), at("b", 1, 1), at("c", 0, 1)];

test("a line ends at the box that is reached: from the left, or the right, or from below", () => {
  const ahead = lineOf(a, b, 0).end;
  expect(ahead.x).toBeLessThan(cornerOf(b).x);
  expect(ahead.y).toBe(cornerOf(b).y + BOX_PX.height / 2);
  const down = lineOf(a, c, 0);
  expect(down.end.x).toBeGreaterThan(cornerOf(c).x + BOX_PX.width);
  expect(down.label.y).toBeGreaterThan(cornerOf(a).y);
  const back = lineOf(b, a, 0).end;
  expect(back.y).toBeGreaterThan(cornerOf(a).y + BOX_PX.height);
});

test("lines of the same two services stand beside each other, and all within the drawing", () => {
  const { width, height } = sizeOf([a, b, c]);
  const pairs = [
    [a, b],
    [b, a],
    [a, c],
    [a, a],
    [b, b],
  ] as const;
  for (const [from, to] of pairs) {
    const lines = [0, 1, 2].map((beside) => lineOf(from, to, beside));
    expect(new Set(lines.map(({ path }) => path)).size).toBe(3);
    for (const { label } of lines) {
      expect(label.x).toBeGreaterThan(0);
      expect(label.x).toBeLessThan(width);
      expect(label.y).toBeLessThan(height);
    }
  }
});
