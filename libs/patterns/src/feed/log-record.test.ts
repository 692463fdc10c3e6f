import { expect, test } from "vitest";
import { factsRecord, messagesIn, readRecord, records, runRecords } from "./log-record.ts";
import type { FeedMessage } from "./message.ts";

const message = (seq: number, topic = "t", body = 3): FeedMessage => {
  const headers = seq % 2 === 0 ? { traceparent: "x" } : {};
  return { topic, seq, prev: seq - 1, atMs: 1_000 + seq, headers, body: Buffer.alloc(body, seq) };
};

test("neighbours of one topic share a record, and come back as they were", () => {
  const messages = [1, 2, 3, 4, 6].map((seq) => message(seq, seq === 3 ? "ä" : "t"));
  const written = runRecords(messages);
  expect(written).toHaveLength(4);
  expect(messagesIn(Buffer.concat(written))).toMatchObject(messages);
  expect([...records(Buffer.concat(written))].map(({ run }) => [run?.first, run?.last])).toEqual([
    [1, 2],
    [3, 3],
    [4, 4],
    [6, 6],
  ]);
  expect(runRecords([])).toEqual([]);
});

test("a record is bounded in messages and bytes", () => {
  const many = Array.from({ length: 2_500 }, (_, i) => message(i + 1));
  expect(runRecords(many)).toHaveLength(3);
  const large = Array.from({ length: 4 }, (_, i) => message(i + 1, "t", 50_000));
  expect(runRecords(large)).toHaveLength(2);
});

test("every changed byte, and every cut, is found; what is after it is read", () => {
  const [one = Buffer.alloc(0), two = Buffer.alloc(0)] = runRecords([message(1), message(3)]);
  for (let at = 0; at < one.length; at++) {
    const bytes = Buffer.concat([one, two]);
    bytes.writeUInt8(bytes.readUInt8(at) ^ 0x10, at);
    expect(readRecord(bytes, 0)).toBeUndefined();
    expect([...records(bytes)].map(({ run }) => run?.first)).toEqual([3]);
    expect(readRecord(one.subarray(0, at), 0)).toBeUndefined();
  }
  const zeroes = Buffer.alloc(200);
  zeroes.write("zpr\u0001");
  expect(readRecord(zeroes, 0)).toBeUndefined();
});

test("records that were sent and are not whole are none", () => {
  const [record = Buffer.alloc(0)] = runRecords([message(1), message(2)]);
  for (let at = 1; at < record.length; at++)
    expect(messagesIn(record.subarray(0, at))).toBeUndefined();
  const torn = Buffer.from(record);
  // The second message says that it is longer than it is.
  torn.writeUInt32BE(1e6, record.length - 7);
  expect(messagesIn(torn)).toBeUndefined();
  const facts = factsRecord({ node: "n", epoch: 1, reserved: 5, clean: true });
  expect(messagesIn(facts)).toBeUndefined();
  expect(readRecord(facts, 0)?.facts).toEqual({ node: "n", epoch: 1, reserved: 5, clean: true });
});
