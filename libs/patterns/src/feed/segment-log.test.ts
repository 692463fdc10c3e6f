import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Gap } from "./follower-core.ts";
import type { Wanted } from "./history.ts";
import { FolderFiles, type LogFiles } from "./log-files.ts";
import { messagesIn } from "./log-record.ts";
import type { FeedMessage } from "./message.ts";
import { PublisherCore } from "./publisher-core.ts";
import { type LogLimits, SegmentLog } from "./segment-log.ts";

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

function open(limits: LogLimits = {}, files: LogFiles = new FolderFiles(folder)): OpenLog {
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

test("refuses what a full disk does not take, and takes it again when there is room", () => {
  const files = new FolderFiles(folder);
  let isFull = false;
  const full = new Proxy(files, {
    get: (target, name: keyof LogFiles) => {
      const method = target[name].bind(target) as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        if (isFull && name === "write") throw Object.assign(new Error("full"), { code: "ENOSPC" });
        return method(...args);
      };
    },
  });
  const { log, put, turn } = open({}, full);
  put("a");
  turn();
  isFull = true;
  expect(put("a")).toBe(2);
  turn();
  expect(() => put("a")).toThrow(expect.objectContaining({ code: "ERR_STORE_FULL" }));
  expect(numbers(log)).toEqual([1, 2]);
  isFull = false;
  expect(put("a")).toBe(3);
  log.close();
  expect(numbers(open().log)).toEqual([1, 2, 3]);
});
