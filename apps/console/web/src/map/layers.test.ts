import { expect, test } from "vitest";
import { layers } from "./layers.ts";

const columns = (names: string, ...edges: string[]): Record<string, number> => {
  const ways = edges.map((edge) => ({ from: edge[0] ?? "", to: edge[1] ?? "" }));
  return Object.fromEntries(layers([...names], ways).map(({ name, column }) => [name, column]));
};

test("a service stands to the right of everybody who calls it", () => {
  expect(columns("abcd", "ab", "ac", "bc", "cd")).toEqual({ a: 0, b: 1, c: 2, d: 3 });
});

test("services that call each other, or themselves, have a place as well", () => {
  expect(columns("abc", "ab", "bc", "cb", "bb")).toEqual({ a: 0, b: 1, c: 2 });
  expect(columns("ab", "ab", "ba")).toEqual({ a: 0, b: 1 });
});

test("those of one column stand in rows", () => {
  expect(layers(["a", "b"], []).map(({ row }) => row)).toEqual([0, 1]);
});

test("whoever is called stands near those who call it", () => {
  const edges = [
    { from: "a", to: "d" },
    { from: "b", to: "c" },
  ];
  const rows = Object.fromEntries(layers([..."abcd"], edges).map(({ name, row }) => [name, row]));
  expect(rows).toEqual({ a: 0, b: 1, d: 0, c: 1 });
  const [, , alone] = layers([..."abc"], [{ from: "b", to: "c" }]);
  expect(alone).toEqual({ name: "c", column: 1, row: 1 });
});
