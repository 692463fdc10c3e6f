import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listen } from "@zeroplane/link";
import { afterEach, beforeEach, expect, test } from "vitest";
import { follow } from "./follow.ts";
import { openFeed } from "./open-feed.ts";
import type { From } from "./publishers.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "zp-feed-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("a follower sees no restart of a publisher that keeps a log", async () => {
  const seen: number[] = [];
  const gaps: unknown[] = [];
  const first = await listen("tcp://127.0.0.1:*");
  const before = await openFeed<number>("log", first, { folder });
  await using _follower = follow<number>(first.endpoint, "log", {
    from: "start",
    onItem: ({ value }) => seen.push(value),
    onGap: (gap) => gaps.push(gap),
  });
  before.put("t", 1);
  await expect.poll(() => seen, { timeout: 5_000 }).toEqual([1]);
  await first.close();
  before.put("t", 2);
  await before.close();
  await using second = await listen(first.endpoint);
  await using after = await openFeed<number>("log", second, { folder });
  expect(after.put("t", 3)).toBe(3);
  await expect.poll(() => seen, { timeout: 8_000 }).toEqual([1, 2, 3]);
  expect(gaps).toEqual([]);
  expect(after.stats().log).toMatchObject({ corrupt: 0, tornBytes: 0 });
});

test.each<[string, From, number[]]>([
  ["now", "now", [7]],
  ["the last of each topic", "last", [5, 6, 7]],
  ["a number", 3, [4, 5, 6, 7]],
  ["a time", new Date(0), [1, 2, 3, 4, 5, 6, 7]],
])("follows from %s", async (_name, from, expected) => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using feed = await openFeed<number>("from", listener, { folder });
  for (let i = 1; i <= 6; i++) feed.put(i % 2 === 0 ? "even" : "odd", i);
  const seen: number[] = [];
  await using _follower = follow<number>(listener.endpoint, "from", {
    from,
    onItem: ({ value }) => seen.push(value),
  });
  await expect.poll(() => feed.stats().followers).toBe(1);
  feed.put("odd", 7);
  await expect.poll(() => seen.toSorted((a, b) => a - b), { timeout: 8_000 }).toEqual(expected);
});

test("a kill loses nothing that was seen; what may be lost is a gap, and numbers go on", async () => {
  const first = await listen("tcp://127.0.0.1:*");
  const before = await openFeed<number>("kill", first, { folder, node: "p" });
  const seen: number[] = [];
  const gaps: { from: number; to: number }[] = [];
  const resets: unknown[] = [];
  await using _follower = follow<number>(first.endpoint, "kill", {
    onItem: ({ value }) => seen.push(value),
    onGap: ({ from, to }) => gaps.push({ from, to }),
    onReset: (reset) => resets.push(reset),
  });
  await before.ready(1);
  for (let i = 1; i <= 100; i++) before.put("t", i);
  await expect.poll(() => seen.length, { timeout: 5_000 }).toBe(100);
  for (let i = 101; i <= 150; i++) before.put("t", i);
  await Promise.resolve();
  // What the operating system has now is what a process that is killed leaves.
  const left = join(folder, "left");
  mkdirSync(left);
  for (const name of readdirSync(folder))
    if (name.endsWith(".log")) cpSync(join(folder, name), join(left, name));
  await first.close();
  await before.close();
  await using second = await listen(first.endpoint);
  await using after = await openFeed<number>("kill", second, { folder: left, node: "p" });
  const next = after.put("t", 151);
  expect(next).toBeGreaterThan(150);
  await expect.poll(() => seen.at(-1), { timeout: 8_000 }).toBe(151);
  expect(seen).toEqual(Array.from({ length: 151 }, (_, i) => i + 1));
  expect(gaps).toEqual([{ from: 151, to: next - 1 }]);
  expect(resets).toEqual([]);
});

test("a long history is caught up with from files, under a filter and without, exact at the seam", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using feed = await openFeed<number>("long", listener, { folder });
  for (let i = 1; i <= 20_000; i++) {
    feed.put(i % 4 === 0 ? "a.rare" : "b.often", i);
    if (i % 500 === 0) await new Promise(setImmediate);
  }
  const all: number[] = [];
  const some: number[] = [];
  await using _all = follow<number>(listener.endpoint, "long", {
    from: "start",
    onItem: ({ value }) => all.push(value),
  });
  await using _some = follow<number>(listener.endpoint, "long", {
    from: 9_999,
    topics: ["a.*"],
    onItem: ({ value }) => some.push(value),
  });
  for (let i = 20_001; i <= 20_400; i++) {
    feed.put(i % 4 === 0 ? "a.rare" : "b.often", i);
    if (i % 10 === 0) await new Promise(setImmediate);
  }
  await expect.poll(() => all.length, { timeout: 8_000 }).toBe(20_400);
  await expect.poll(() => some.length, { timeout: 8_000 }).toBe(2_601);
  expect(new Set(all).size).toBe(20_400);
  for (const rest of [0, 1]) {
    const topic = all.filter((value) => Number(value % 4 === 0) === rest);
    expect(topic).toEqual(topic.toSorted((a, b) => a - b));
  }
  expect(some).toEqual(Array.from({ length: 2_601 }, (_, i) => 10_000 + 4 * i));
});

test("a folder that cannot be used is named, and nothing stays open", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  const file = join(folder, "file");
  writeFileSync(file, "");
  const bad = { code: "ERR_STORE", message: expect.stringContaining(file) as string };
  await expect(openFeed("bad", listener, { folder: file })).rejects.toMatchObject(bad);
  // The port of the data lane is free again.
  await using first = await listen("tcp://127.0.0.1:*");
  const bind = first.endpoint;
  await first.close();
  await expect(openFeed("bad", listener, { folder: file, bind })).rejects.toMatchObject(bad);
  await using _good = await openFeed("good", listener, { bind });
  if (process.platform !== "linux") return;
  const full = join(folder, "full");
  mkdirSync(full);
  symlinkSync("/dev/full", join(full, "0000000000000001.log"));
  const noRoom = { code: "ERR_STORE_FULL", message: expect.stringContaining(full) as string };
  await expect(openFeed("bad", listener, { folder: full })).rejects.toMatchObject(noRoom);
});

test("an interceptor does not hide that a feed takes nothing", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  const feed = await openFeed<number>("closed", listener, {
    folder,
    interceptors: [(_operation, next) => next()],
  });
  feed.put("t", 1);
  expect(() => feed.put("", 1)).toThrow(expect.objectContaining({ code: "ERR_BAD_TOPIC" }));
  await feed.close();
  expect(() => feed.put("t", 2)).toThrow(expect.objectContaining({ code: "ERR_CLOSED" }));
});

test("what is too old goes also when nothing more is put", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using feed = await openFeed<string>("age", listener, { folder, log: { ageMs: 300 } });
  for (let i = 0; i < 10; i++) feed.put("t", "x".repeat(1_000));
  await Promise.resolve();
  expect(feed.stats().historyBytes).toBeGreaterThan(10_000);
  await expect.poll(() => feed.stats().dropped, { timeout: 3_000 }).toBe(10);
  expect(feed.stats().historyBytes).toBeLessThan(1_000);
});

test("two feeds of a process cannot use one folder at a time", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  const first = await openFeed("one", listener, { folder });
  const refused = { code: "ERR_STORE", message: expect.stringContaining(folder) as string };
  await expect(openFeed("two", listener, { folder })).rejects.toMatchObject(refused);
  await first.close();
  await using _second = await openFeed("two", listener, { folder });
});
