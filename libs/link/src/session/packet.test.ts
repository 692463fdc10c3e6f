import { expect, test } from "vitest";
import {
  after,
  distance,
  HEADER_BYTES,
  LARGE_BYTES,
  PacketWriter,
  readHeader,
  readRecords,
  writeHeader,
} from "./packet.ts";

function read(frames: readonly Uint8Array[]): [number, number][] | undefined {
  const records: [number, number][] = [];
  const whole = readRecords(
    frames.map((frame) => Buffer.from(frame)),
    (verb, _bytes, start, end) => records.push([verb, end - start]),
  );
  return whole ? records : undefined;
}

test("records of every size come back in order, large ones as frames of their own", () => {
  const writer = new PacketWriter();
  const sizes = [0, 1, 4_000, LARGE_BYTES - 1, LARGE_BYTES, 3, 100_000];
  for (const [i, size] of sizes.entries()) writer.append(i + 1, Buffer.alloc(size));
  const { frames, bytes } = writer.cut();
  expect(frames.length).toBe(3);
  expect(bytes).toBe(frames.reduce((sum, frame) => sum + frame.length, 0));
  expect(read(frames)).toEqual(sizes.map((size, i) => [i + 1, size]));
  expect(writer.bytes).toBe(0);
});

test("a small record after a large one does not hide its bytes", () => {
  const writer = new PacketWriter();
  writer.append(1, Buffer.alloc(20_000));
  writer.append(1, Buffer.alloc(10));
  expect(writer.bytes).toBe(HEADER_BYTES + 4 + 20_000 + 4 + 10);
});

test("memory that was handed out is not written again", () => {
  const writer = new PacketWriter();
  writer.append(1, Buffer.from("first"));
  const [first] = writer.cut().frames;
  const before = Buffer.from(first);
  for (let i = 0; i < 2_000; i++) {
    writer.append(1, Buffer.from(`next ${i}`));
    writer.cut();
  }
  expect(first.equals(before)).toBe(true);
});

test("a header comes back as it was, and nothing else is one", () => {
  const bytes = Buffer.alloc(HEADER_BYTES);
  const header = { kind: 3, epoch: 0xffff, seq: 0xffffffff, ack: 7, window: 1 };
  writeHeader(bytes, header);
  expect(readHeader(bytes)).toEqual(header);
  expect(readHeader(bytes.subarray(1))).toBeUndefined();
  expect(readHeader(Buffer.alloc(HEADER_BYTES))).toBeUndefined();
});

test.each([
  ["a length beyond the packet", [0x04, 0, 0, 9, 1]],
  ["half a record head", [0x04, 0]],
  ["a frame that is not there", [0x84, 0, 0, 1]],
  ["itself as a frame", [0x84, 0, 0, 0]],
])("%s is not well formed", (_name, tail) => {
  expect(read([Buffer.concat([Buffer.alloc(HEADER_BYTES), Buffer.from(tail)])])).toBeUndefined();
});

test("numbers go round", () => {
  expect(after(0xffffffff)).toBe(0);
  expect(distance(after(0xffffffff), 0xffffffff)).toBe(1);
  expect(distance(0xfffffff0, 5)).toBe(-21);
});
