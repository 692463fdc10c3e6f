import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "@zeroplane/link/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MemoryFiles } from "../testing/memory-files.ts";
import type { Gap } from "./follower-core.ts";
import type { Wanted } from "./history.ts";
import { FolderFiles, type LogFiles } from "./log-files.ts";
import { messagesIn } from "./log-record.ts";
import type { FeedMessage } from "./message.ts";
import { PublisherCore } from "./publisher-core.ts";
import { type LogOptions, SegmentLog } from "./segment-log.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "zp-log-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface OpenLog {
  readonly log: SegmentLog;
  readonly core: PublisherCore<string>;
  readonly turn: () => void;
  readonly put: (topic: string, atMs?: number) => number;
}

function open(
  limits: Partial<LogOptions> = {},
  files: LogFiles = new FolderFiles(folder),
): OpenLog {
  const log = new SegmentLog({
    files,
    node: "n",
    folder,
    now: () => 10_000,
    newEpoch: () => 7,
    ...limits,
  });
  const core = new PublisherCore<string>(log, log);
  const turn = (): void => log.flush();
  const put = (topic: string, atMs = 0): number =>
    core.put(topic, Buffer.alloc(100, topic), { headers: {}, atMs }).seq;
  return { log, core, turn, put };
}

interface Read {
  readonly messages: FeedMessage[];
  readonly next: number;
  readonly holes: readonly Gap[];
}

function read(log: SegmentLog, range: Partial<Wanted> = {}): Read {
  const wanted = { from: 1, to: log.head + 1_000, wants: () => true, bytesMax: 1e9, ...range };
  const { records, next, holes } = log.range(wanted);
  return { messages: messagesIn(records) ?? [], next, holes };
}

const numbers = (log: SegmentLog): number[] => read(log).messages.map(({ seq }) => seq);
const segments = (): string[] => readdirSync(folder).sort();
const newest = (): string => join(folder, segments().at(-1) ?? "");
const oldest = (): string => join(folder, segments()[0] ?? "");

test("goes on with the same life and numbers after a proper close", () => {
  const first = open();
  for (let i = 0; i < 100; i++) first.put(i % 2 === 0 ? "a" : "b");
  expect(numbers(first.log)).toHaveLength(100);
  first.log.close();
  const { log, core, put } = open();
  expect(log.origin).toEqual(first.log.origin);
  expect(log.stats()).toMatchObject({ corrupt: 0, tornBytes: 0 });
  expect(core.base).toBe(0);
  expect(put("a")).toBe(101);
  expect(numbers(log)).toEqual(Array.from({ length: 101 }, (_, i) => i + 1));
  const some = read(log, { from: 90, to: 95, wants: (topic) => topic === "b", bytesMax: 200 });
  expect(some.messages.map(({ seq }) => seq)).toEqual([90, 92]);
  expect(some.next).toBe(93);
  log.close();
});

test("gives no number twice after a crash, and says what may be missing", () => {
  const first = open();
  for (let i = 0; i < 10; i++) first.put("a");
  first.turn();
  for (let i = 0; i < 5; i++) first.put("a");
  const { log, core, put } = open();
  expect(core.head).toBeGreaterThanOrEqual(15);
  const head = core.head;
  expect(put("a")).toBe(head + 1);
  const { messages, holes } = read(log, { to: head + 1 });
  expect(messages.map(({ seq, prev }) => [seq, prev]).at(-1)).toEqual([head + 1, 10]);
  expect(messages).toHaveLength(11);
  expect(holes).toEqual([{ from: 11, to: head }]);
  log.close();
  const again = open();
  expect(again.core.head).toBe(head + 1);
  again.log.close();
});

test("cuts a torn end off", () => {
  const first = open();
  for (let i = 0; i < 10; i++) {
    first.put("a");
    first.turn();
  }
  writeFileSync(newest(), readFileSync(newest()).subarray(0, -20));
  const { log } = open();
  expect(numbers(log)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(log.stats().tornBytes).toBeGreaterThan(0);
  log.close();
  const again = open();
  expect(again.log.stats()).toMatchObject({ corrupt: 0, tornBytes: 0 });
  again.log.close();
});

test("leaves a damaged record out, counts it and names the hole", () => {
  const first = open();
  for (let i = 0; i < 10; i++) {
    first.put("a");
    first.turn();
  }
  first.log.close();
  const bytes = readFileSync(oldest());
  const damaged = bytes.indexOf("aaaa", bytes.length / 2);
  bytes.writeUInt8(1, damaged);
  writeFileSync(oldest(), bytes);
  const { log, core } = open();
  const left = numbers(log);
  expect(left).toHaveLength(9);
  expect(log.stats().corrupt).toBe(1);
  const missing = Array.from({ length: 10 }, (_, i) => i + 1).find((seq) => !left.includes(seq));
  const { holes } = read(log, { to: core.head });
  expect(holes).toContainEqual({ from: missing, to: missing });
  log.close();
});

test("lets go of whole segments by bytes and by time, and finds a time", () => {
  const { log, put, turn } = open({ segmentBytes: 2_000, bytes: 10_000 });
  for (let i = 1; i <= 500; i++) {
    put("a", i);
    turn();
  }
  expect(log.bytes).toBeLessThan(12_000);
  expect(log.oldest).toBeGreaterThan(400);
  expect(numbers(log)[0]).toBe(log.oldest);
  expect(log.dropped).toBe(log.oldest - 1);
  expect(log.before(480)).toBe(479);
  expect(log.before(9_999)).toBe(500);
  log.close();
  const later = open({ ageMs: 1_000, segmentBytes: 2_000 });
  later.put("a", 10_000);
  later.turn();
  expect(numbers(later.log)).toEqual([501]);
  later.log.close();
});

test("lets go of what is old also when nothing more is put, and of no more", () => {
  let nowMs = 0;
  const { log, put, turn } = open({ now: () => nowMs, ageMs: 1_000 });
  for (nowMs = 0; nowMs < 4_000; nowMs += 10) {
    put("a", nowMs);
    turn();
  }
  const [first] = read(log).messages;
  expect(first?.atMs).toBeGreaterThan(4_000 - 1_000 - 1_000 / 4);
  expect(first?.atMs).toBeLessThan(4_000 - 1_000);
  nowMs = 10_000;
  turn();
  expect(numbers(log)).toEqual([]);
  expect(put("a", nowMs)).toBe(401);
  expect(numbers(log)).toEqual([401]);
  log.close();
});

test("a time leads to all that may be from then on, also what is lost", () => {
  const first = open();
  for (let i = 1; i <= 4; i++) first.put("a", i * 10);
  first.turn();
  const { log, core, put } = open();
  expect(put("a", 100)).toBe(core.head);
  expect(log.before(25)).toBe(2);
  // Numbers 5 to 100 000 are lost, and may be from then.
  expect(log.before(90)).toBe(4);
  expect(log.before(0)).toBe(0);
  log.close();
});

test("what rots while it is open is left out, counted once, and a hole", () => {
  const { log, put, turn } = open();
  for (let i = 0; i < 10; i++) {
    put("a");
    turn();
  }
  const bytes = readFileSync(oldest());
  bytes.writeUInt8(1, bytes.indexOf("aaaa", bytes.length / 2));
  writeFileSync(oldest(), bytes);
  for (let again = 0; again < 2; again++) {
    const { messages, holes } = read(log, { to: 10 });
    expect(messages).toHaveLength(9);
    expect(holes).toHaveLength(1);
    expect(messages.map(({ seq }) => seq)).not.toContain(holes[0]?.from);
    expect(log.stats().corrupt).toBe(1);
  }
  log.close();
});

test("gives no number twice when it is damage that hides what was set aside", () => {
  const first = open({ reserve: 5 });
  for (let i = 0; i < 8; i++) first.put("a");
  // Set aside up to 6, then up to 12; the power fails, and that is damaged.
  const bytes = readFileSync(oldest());
  const mark = bytes.lastIndexOf("zpr\u0001");
  bytes.writeUInt8(bytes.readUInt8(mark + 14) ^ 1, mark + 14);
  writeFileSync(oldest(), Buffer.concat([bytes, Buffer.alloc(10)]));
  const { log, put } = open({ reserve: 5 });
  expect(put("a")).toBeGreaterThan(8);
  log.close();
});

test("sends records as they are stored, many in one, and only of what is wanted", () => {
  const { log, core, turn } = open();
  const body = Buffer.from("x");
  for (let i = 0; i < 3_000; i++)
    core.put(i % 1_000 === 0 ? "rare" : "often", body, { headers: {}, atMs: i });
  turn();
  const { messages, next, holes } = read(log, { to: 3_000 });
  expect(messages.map(({ seq }) => seq)).toEqual(Array.from({ length: 3_000 }, (_, i) => i + 1));
  expect(messages.map(({ atMs }) => atMs)).toEqual(Array.from({ length: 3_000 }, (_, i) => i));
  expect([next, holes]).toEqual([3_001, []]);
  const rare = read(log, { to: 3_000, wants: (topic) => topic === "rare" });
  expect(rare.messages.map(({ seq, prev }) => [seq, prev])).toEqual([
    [1, 0],
    [1_001, 1],
    [2_001, 1_001],
  ]);
  expect(rare.holes).toEqual([]);
  log.close();
});

test("refuses what a full disk does not take, and takes it again when there is room", () => {
  const files = new MemoryFiles(new Random(1));
  const { log, put, turn } = open({}, files);
  put("a");
  turn();
  files.isFull = true;
  expect(put("a")).toBe(2);
  turn();
  const message = expect.stringContaining(folder) as string;
  expect(() => put("a")).toThrow(expect.objectContaining({ code: "ERR_STORE_FULL", message }));
  expect(log.stats().fault).toContain("no room");
  expect(numbers(log)).toEqual([1, 2]);
  files.isFull = false;
  turn();
  expect(log.stats().fault).toBeUndefined();
  expect(put("a")).toBe(3);
  log.close();
  const again = open({}, files);
  expect(again.log.stats()).toMatchObject({ corrupt: 0, tornBytes: 0 });
  expect(numbers(again.log)).toEqual([1, 2, 3]);
});

test("what a full disk took half of is no record, also when the next one goes elsewhere", () => {
  const files = new MemoryFiles(new Random(3));
  let nowMs = 0;
  const { put, turn } = open({ ageMs: 8_000, now: () => nowMs }, files);
  put("a", nowMs);
  turn();
  files.isFull = true;
  for (let i = 0; i < 50; i++) put(i % 2 === 0 ? "a" : "b", nowMs);
  turn();
  files.isFull = false;
  // By now the segment is too old to be written to.
  nowMs = 2_000;
  turn();
  files.crash();
  const { log } = open({ now: () => nowMs }, files);
  expect(log.stats().corrupt).toBe(0);
  expect(numbers(log)).toEqual([...new Set(numbers(log))]);
});
