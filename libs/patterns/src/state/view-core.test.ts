import { encode } from "@zeroplane/link";
import { expect, test } from "vitest";
import { ViewCore } from "./view-core.ts";

const shown = (core: ViewCore<number>): [string, number][] =>
  Array.from(core.values(""), ([key, { value }]) => [key, value]);

test("pieces of a snapshot that was given up are none of the next", () => {
  const core = new ViewCore<number>();
  const one = encode(1);
  const first = { epoch: 7, version: 1, number: 1 };
  core.piece({ ...first, entries: [["gone", one, 1]], isLast: false });
  const second = { epoch: 7, version: 2, number: 2 };
  core.piece({ ...second, entries: [["a", one, 1]], isLast: false });
  core.piece({ ...second, entries: [["b", one, 2]], isLast: true });
  expect(shown(core)).toEqual([
    ["a", 1],
    ["b", 1],
  ]);
});

test("what changed while the pieces came is in the last one, and only differences are told", () => {
  const core = new ViewCore<number>();
  const [one, two] = [encode(1), encode(2)];
  const at = { epoch: 7, version: 2, number: 1 };
  core.piece({
    ...at,
    entries: [
      ["a", one, 1],
      ["b", one, 2],
    ],
    isLast: false,
  });
  const changes = core.piece({ ...at, version: 4, entries: [["a"], ["b", two, 4]], isLast: true });
  expect(changes).toEqual([{ key: "b", value: 2, version: 4 }]);
  const again = { epoch: 7, version: 5, number: 2 };
  expect(
    core.piece({
      ...again,
      entries: [
        ["b", two, 4],
        ["c", one, 5],
      ],
      isLast: true,
    }),
  ).toEqual([{ key: "c", value: 1, version: 5 }]);
  const other = { epoch: 8, version: 4, number: 3 };
  expect(core.piece({ ...other, entries: [["b", two, 4]], isLast: true })).toEqual([
    { key: "b", value: 2, version: 4 },
    { key: "c", value: undefined, version: 4 },
  ]);
});
