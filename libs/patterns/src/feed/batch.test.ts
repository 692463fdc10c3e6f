import { expect, test } from "vitest";
import { Batches, fromRecord, toRecord } from "./batch.ts";
import type { FeedMessage } from "./message.ts";

const ORIGIN = { node: "n", epoch: 7 };
const message = (seq: number, prev: number, topic = "t"): FeedMessage => ({
  topic,
  seq,
  prev,
  atMs: 1_700_000_000_000 + seq,
  headers: seq % 2 === 0 ? { traceparent: "x" } : {},
  body: Buffer.alloc(seq, seq),
});
const record = (): Buffer[] =>
  toRecord("f", ORIGIN, [message(1, 0), message(2, 1), message(5, 2)]).map((each) =>
    Buffer.from(each),
  );

test("a record gives back its messages, each with the number before it", () => {
  const found = fromRecord("f", record());
  expect(found?.origin).toEqual(ORIGIN);
  expect(found?.messages.map(({ seq, prev }) => [seq, prev])).toEqual([
    [1, 0],
    [2, 1],
    [5, 2],
  ]);
  expect(found?.messages[1]).toMatchObject({ atMs: 1_700_000_000_002, body: Buffer.alloc(2, 2) });
  expect({ ...found?.messages[1]?.headers }).toEqual({ traceparent: "x" });
});

test("a record that is cut short, of another feed, or with numbers that fall is none", () => {
  const [name, facts, packed] = record() as [Buffer, Buffer, Buffer];
  expect(fromRecord("other", [name, facts, packed])).toBeUndefined();
  expect(fromRecord("f", [name, facts])).toBeUndefined();
  expect(fromRecord("f", [name, Buffer.from([0xc1]), packed])).toBeUndefined();
  for (const at of [1, 17, packed.length - 1])
    expect(fromRecord("f", [name, facts, packed.subarray(0, at)])).toBeUndefined();
  const falls = toRecord("f", ORIGIN, [message(5, 0), message(2, 1)]).map((e) => Buffer.from(e));
  expect(fromRecord("f", falls)).toBeUndefined();
});

test("what is put together goes in one record for each topic, and at once", async () => {
  const sent: [string, number[]][] = [];
  const batches = new Batches((topic, messages) =>
    sent.push([topic, messages.map(({ seq }) => seq)]),
  );
  batches.add(message(1, 0, "a"));
  batches.add(message(2, 0, "b"));
  batches.add(message(3, 1, "a"));
  expect(sent).toEqual([]);
  await Promise.resolve();
  expect(sent).toEqual([
    ["a", [1, 3]],
    ["b", [2]],
  ]);
});

test("a record is bounded", () => {
  const sizes: number[] = [];
  const batches = new Batches((_topic, messages) => sizes.push(messages.length));
  for (let seq = 1; seq <= 2_500; seq++)
    batches.add({ ...message(1, 0), seq, body: Buffer.alloc(1) });
  batches.add({ ...message(1, 0), seq: 2_501, body: Buffer.alloc(300_000) });
  batches.flush();
  expect(sizes).toEqual([1_000, 1_000, 501]);
});
