import { expect, test } from "vitest";
import { fromPipeRecord, toPipeRecord } from "./record.ts";
import { OVERHEAD_BYTES, Ring, type Waiting } from "./ring.ts";
import { Senders } from "./senders.ts";

const HEAD = { node: "n", boot: 3, seq: 10, dropped: 2 };
const message = (kind: string, text: string): Waiting => ({
  kind,
  body: Buffer.from(text),
  rank: 0,
  order: 0,
});
const record = (): Buffer[] =>
  toPipeRecord(HEAD, [message("spän", "one"), message("", "")]).map((each) => Buffer.from(each));

test("a record gives back its messages, and is refused as a whole when it is broken", () => {
  const { head, messages } = fromPipeRecord(record());
  expect(head).toEqual(HEAD);
  expect(messages.map(({ kind, body }) => [kind, body.toString()])).toEqual([
    ["spän", "one"],
    ["", ""],
  ]);
  const [first, packed] = record() as [Buffer, Buffer];
  for (let cut = 0; cut < packed.length; cut++)
    expect(() => fromPipeRecord([first, packed.subarray(0, cut)])).toThrow();
  expect(() => fromPipeRecord([Buffer.from([0x90]), packed])).toThrow();
  expect(() => fromPipeRecord([first])).toThrow();
});

test("a ring gives oldest first, and lets the oldest of the lowest class go", () => {
  const ring = new Ring(4 * (1 + OVERHEAD_BYTES));
  for (const [at, rank] of ([3, 0, 1, 0, 3, 1] as const).entries())
    ring.push(`${at}`, Buffer.alloc(1), rank);
  expect(ring.dropped).toEqual([2, 0, 0, 0]);
  expect(Array.from({ length: 5 }, () => ring.take()?.kind)).toEqual([
    "0",
    "2",
    "4",
    "5",
    undefined,
  ]);
  expect([ring.bytes, ring.count]).toEqual([0, 0]);
});

test("what is larger than the ring is dropped and counted, and empties nothing", () => {
  const ring = new Ring(100);
  ring.push("small", Buffer.alloc(10), 0);
  ring.push("large", Buffer.alloc(101), 3);
  expect([ring.count, ring.dropped]).toEqual([1, [0, 0, 0, 1]]);
});

test("every hole in a sender's numbers is counted once", () => {
  const senders = new Senders();
  expect(senders.received({ ...HEAD, seq: 5, dropped: 0 }, 3)).toBe(0);
  expect(senders.received({ ...HEAD, seq: 10, dropped: 4 }, 1)).toBe(6);
  expect(senders.received({ ...HEAD, seq: 11, dropped: 4 }, 2)).toBe(0);
  expect(senders.stats()).toEqual([
    { node: "n", received: 6, lost: 2, dropped: 4, before: 4, repeated: 0 },
  ]);
});
