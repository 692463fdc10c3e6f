import { expect, test } from "vitest";
import { Inbox } from "./inbox.ts";
import { SESSION_DEFAULTS } from "./settings.ts";

test("each packet is taken once and in turn; a hole is asked for once", () => {
  const inbox = new Inbox(SESSION_DEFAULTS);
  expect([inbox.take(0, []), inbox.take(0, []), inbox.take(2, [])]).toEqual([true, false, false]);
  expect([inbox.misses(2), inbox.misses(3)]).toEqual([true, false]);
  inbox.askAgain();
  expect(inbox.misses(3)).toBe(true);
  expect([inbox.take(1, []), inbox.misses(2)]).toEqual([true, false]);
  expect([inbox.duplicates, inbox.gaps]).toEqual([1, 2]);
});

test("counts how long a packet has been asked for in vain", () => {
  const inbox = new Inbox(SESSION_DEFAULTS);
  expect([inbox.waited(), inbox.waited()]).toEqual([0, 0]);
  inbox.misses(5);
  expect([inbox.waited(), inbox.waited(), inbox.waited()]).toEqual([1, 2, 3]);
  inbox.take(0, []);
  expect(inbox.waited()).toBe(0);
  inbox.misses(5);
  expect(inbox.waited()).toBe(1);
});

test("acknowledges after half of what it takes", () => {
  const inbox = new Inbox({ ...SESSION_DEFAULTS, windowPackets: 4 });
  inbox.take(0, []);
  expect([inbox.owes, inbox.due]).toEqual([true, false]);
  inbox.take(1, []);
  expect(inbox.due).toBe(true);
  inbox.settled();
  expect([inbox.owes, inbox.due]).toEqual([false, false]);
});
