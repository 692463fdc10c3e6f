import { mkdtempSync, rmSync } from "node:fs";
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
