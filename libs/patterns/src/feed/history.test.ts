import { expect, test } from "vitest";
import { History } from "./history.ts";

function filled(bytesMax: number, count: number): History {
  const history = new History(bytesMax);
  for (let seq = 1; seq <= count; seq++) {
    const message = { topic: "t", seq, prev: seq - 1, headers: {}, body: Buffer.alloc(10) };
    history.push({ ...message, atMs: seq * 10 });
  }
  return history;
}

test("a time leads to the message before the first of then or later", () => {
  const history = filled(1e6, 10);
  expect([0, 10, 11, 100, 101].map((atMs) => history.before(atMs))).toEqual([0, 0, 1, 9, 10]);
  expect(new History(1e6).before(5)).toBe(0);
});

test("a time from which something is not kept any more leads to all of it", () => {
  const history = filled(2_000, 100);
  const { oldest } = history;
  expect(oldest).toBeGreaterThan(2);
  expect(history.before(oldest * 10)).toBe(oldest - 1);
  expect(history.before((oldest - 1) * 10 + 1)).toBe(oldest - 1);
  expect(history.before((oldest - 1) * 10)).toBe(0);
});
