import { expect, test } from "vitest";
import { SLOTS_MAX, Slots } from "./slots.ts";

test("a number finds its value until it is deleted, and not the next one in its place", () => {
  const slots = new Slots<string>();
  const a = slots.add("a") as number;
  slots.delete(a);
  const b = slots.add("b") as number;
  expect(b).not.toBe(a);
  expect([slots.get(a), slots.get(b), slots.size]).toEqual([undefined, "b", 1]);
  slots.delete(a);
  expect([...slots.values()]).toEqual(["b"]);
});

test("has room for 65 536 values", () => {
  const slots = new Slots<number>();
  for (let i = 0; i < SLOTS_MAX; i++) expect(slots.add(i)).toBeDefined();
  expect(slots.add(-1)).toBeUndefined();
  slots.delete(7);
  expect(slots.add(-1)).toBe(65_536 + 7);
});
