import { expect, test } from "vitest";
import type { JobView } from "../work/view.ts";
import { simulateWork } from "./index.ts";
import { type Errand, JobBook } from "./job-book.ts";

test("the same seed gives the same events, another seed others", { timeout: 60_000 }, async () => {
  const first = await simulateWork(7);
  expect(await simulateWork(7)).toEqual(first);
  expect((await simulateWork(8)).hash).not.toBe(first.hash);
});

test("jobs keep their promises through 60 seeds of faults", { timeout: 120_000 }, async () => {
  let accepted = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const { failure, records } = await simulateWork(seed);
    expect([seed, failure]).toEqual([seed, undefined]);
    accepted += records;
  }
  expect(accepted).toBeGreaterThan(1_000);
});

test("the book notices what must not be", () => {
  const view = (change: Partial<JobView<Errand, number>>): JobView<Errand, number> =>
    ({
      id: "j",
      payload: { number: 5 },
      state: "leased",
      attempt: 1,
      failures: 0,
      crashes: 0,
      ...change,
    }) as JobView<Errand, number>;
  const book = new JobBook();
  book.accept(view({}));
  book.ran("j", 1);
  expect(() => book.ran("j", 1)).toThrow(/twice under its token/);
  book.changed(view({}));
  expect(() => book.changed(view({}))).toThrow(/does not rise/);
  expect(() => book.changed(view({ state: "done", result: 6 }))).toThrow(/has the result of 6/);
  book.changed(view({ state: "done", result: 5 }));
  expect(() => book.changed(view({ state: "cancelled" }))).toThrow(/after it was done/);
  expect(() => book.check(() => undefined, 0)).toThrow(/is lost/);
  expect(() => book.check(() => view({}), 0)).toThrow(/leased in the end/);
  expect(() => book.check(() => view({ state: "done", attempt: 3 }), 0)).toThrow(/3 times/);
  book.changed(view({ id: "a", key: "k", serial: "s" }));
  expect(() => book.changed(view({ id: "b", key: "k" }))).toThrow(/have the key/);
  expect(() => book.changed(view({ id: "c", serial: "s" }))).toThrow(/run/);
});
