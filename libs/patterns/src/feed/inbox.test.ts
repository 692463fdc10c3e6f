import { expect, test } from "vitest";
import { type Entry, Inbox, type SlowPolicy } from "./inbox.ts";

const ORIGIN = { node: "n", epoch: 1 };
const message = (seq: number) => {
  return { topic: "t", seq, prev: seq - 1, atMs: 0, headers: {}, body: new Uint8Array() };
};

function filled(slow: SlowPolicy, count: number, maxLag = { messages: 10 }): Inbox {
  const inbox = new Inbox("ticks", slow, maxLag);
  for (let seq = 1; seq <= count; seq++) inbox.push(ORIGIN, message(seq), true, 0);
  return inbox;
}

function all(inbox: Inbox): (number | [number, number])[] {
  const taken: (number | [number, number])[] = [];
  for (let entry: Entry | undefined = inbox.take(); entry !== undefined; entry = inbox.take()) {
    if ("message" in entry) taken.push(entry.message.seq);
    else if ("gap" in entry) taken.push([entry.gap.from, entry.gap.to]);
  }
  return taken;
}

test("replay: there is no room from full until half of it was taken, and nothing is dropped", () => {
  const inbox = filled("replay", 10);
  expect(inbox.hasRoom(0)).toBe(false);
  for (let i = 0; i < 4; i++) inbox.take();
  expect(inbox.hasRoom(0)).toBe(false);
  inbox.take();
  expect(inbox.hasRoom(0)).toBe(true);
  expect(all(inbox)).toEqual([6, 7, 8, 9, 10]);
});

test("replay: there is no room while the oldest has waited for too long", () => {
  const inbox = new Inbox("ticks", "replay", { ms: 100 });
  inbox.push(ORIGIN, message(1), true, 0);
  expect(inbox.hasRoom(100)).toBe(true);
  expect(inbox.hasRoom(101)).toBe(false);
  inbox.take();
  expect(inbox.hasRoom(101)).toBe(true);
});

test("drop-oldest-and-say: the oldest go, as one gap with its bounds, before the rest", () => {
  const inbox = filled("drop-oldest-and-say", 25);
  expect(inbox.waiting).toBe(11);
  expect(inbox.dropped).toBe(15);
  expect(all(inbox)).toEqual([[1, 15], 16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
});

test("drop-oldest-and-say: by time too, with the gaps that were told before", () => {
  const inbox = new Inbox("ticks", "drop-oldest-and-say", { ms: 100 });
  inbox.push(ORIGIN, message(1), true, 0);
  inbox.gap({ from: 2, to: 5, ...ORIGIN });
  inbox.push(ORIGIN, message(6), true, 50);
  inbox.push(ORIGIN, message(7), true, 120);
  inbox.check(160);
  expect(all(inbox)).toEqual([[1, 6], 7]);
});

test("drop-oldest-and-say: each publisher has a gap of its own", () => {
  const inbox = new Inbox("ticks", "drop-oldest-and-say", { messages: 1 });
  for (let seq = 1; seq <= 4; seq++) {
    inbox.push({ node: "a", epoch: 1 }, message(seq), true, 0);
    inbox.push({ node: "b", epoch: 1 }, message(seq), true, 0);
  }
  expect([inbox.take(), inbox.take()]).toEqual([
    { gap: { from: 1, to: 4, node: "a", epoch: 1 } },
    { gap: { from: 1, to: 3, node: "b", epoch: 1 } },
  ]);
  expect(all(inbox)).toEqual([4]);
});

test("die: too many, or for too long, is the end, which names the lag and frees what waited", () => {
  const inbox = filled("die", 11);
  expect(inbox.fault).toMatchObject({ code: "ERR_LAGGED" });
  expect(inbox.fault?.message).toMatch(/ticks.*11 messages.*maxLag is 10 messages/);
  expect(inbox.waiting).toBe(0);
  expect(inbox.hasRoom(0)).toBe(false);
  const late = new Inbox("ticks", "die", { ms: 100 });
  late.push(ORIGIN, message(1), true, 0);
  late.check(100);
  expect(late.fault).toBeUndefined();
  late.check(101);
  expect(late.fault?.message).toMatch(/for 101 ms/);
});

test("what comes from the history is no lag: it waits for room", () => {
  for (const slow of ["die", "drop-oldest-and-say"] as const) {
    const inbox = new Inbox("ticks", slow, { messages: 10, ms: 5 });
    for (let seq = 1; seq <= 50; seq++) inbox.push(ORIGIN, message(seq), false, 0);
    inbox.check(1_000);
    expect(inbox.hasRoom(1_000)).toBe(false);
    expect(inbox.fault).toBeUndefined();
    expect(all(inbox)).toHaveLength(50);
  }
});

test("long use keeps no more than what waits", () => {
  const inbox = filled("replay", 0);
  for (let seq = 1; seq <= 5_000; seq++) {
    inbox.push(ORIGIN, message(seq), true, seq);
    if (seq > 3) expect(inbox.take()).toMatchObject({ message: { seq: seq - 3 } });
  }
  expect(inbox.waiting).toBe(3);
  expect(inbox.lagMs(5_000)).toBe(2);
});

test("limits that can never be kept are refused", () => {
  for (const maxLag of [{ messages: 0 }, { ms: 0 }, { messages: Number.NaN }])
    expect(() => new Inbox("ticks", "die", maxLag)).toThrow(
      expect.objectContaining({ code: "ERR_BAD_OPTION" }),
    );
});
