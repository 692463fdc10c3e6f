import { expect, test } from "vitest";
import { CallBook } from "./call-book.ts";
import { simulateCalls } from "./index.ts";

test("the same seed gives the same events, another seed others", { timeout: 60_000 }, async () => {
  const first = await simulateCalls(7);
  expect(await simulateCalls(7)).toEqual(first);
  expect((await simulateCalls(8)).hash).not.toBe(first.hash);
});

test("calls keep their promises through 60 seeds of faults", { timeout: 120_000 }, async () => {
  let results = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const { failure, records, resets } = await simulateCalls(seed);
    expect([seed, failure]).toEqual([seed, undefined]);
    results += records - resets;
  }
  expect(results).toBeGreaterThan(500);
});

test("the book notices what must not be", () => {
  const book = new CallBook();
  const [plain, idempotent] = [book.open("plain", 100), book.open("idempotent", 100)];
  for (let i = 0; i < 3; i++) book.ran(idempotent);
  book.ran(plain);
  expect(() => book.ran(plain)).toThrow(/ran 2 times/);
  expect(() => book.result(plain, idempotent)).toThrow(/the result of/);
  expect(() => book.failed(plain, "ERR_DEADLINE", false)).toThrow(/ended twice/);
  expect(() => book.failed(idempotent, "ERR_ODD", false)).toThrow(/ERR_ODD/);
  book.open("once", 100);
  expect(() => book.check(101)).toThrow(/call 2 has not ended/);
});
