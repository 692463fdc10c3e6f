import { setTimeout as sleep } from "node:timers/promises";
import { dial, KeyPair, listen } from "@zeroplane/link";
import { expect, test } from "vitest";
import { collectFeed, follow } from "./follow.ts";
import type { FeedItem } from "./follow-options.ts";
import { openFeed, publishTo } from "./open-feed.ts";

test("followers get what they ask for, each of it once", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using feed = await openFeed<number>("ticks", listener);
  const all: FeedItem<number>[] = [];
  const some: FeedItem<number>[] = [];
  await using _a = follow<number>(listener.endpoint, "ticks", { onItem: (item) => all.push(item) });
  await using _b = follow<number>(listener.endpoint, "ticks", {
    topics: ["us.*"],
    onItem: (item) => some.push(item),
  });
  await expect.poll(() => feed.stats().followers).toBe(2);
  for (let i = 0; i < 2_000; i++) feed.put(i % 2 === 0 ? "us.A" : "eu.B", i);
  await expect.poll(() => all.length, { timeout: 5_000 }).toBe(2_000);
  await expect.poll(() => some.length).toBe(1_000);
  for (const [topic, first] of [
    ["us.A", 1],
    ["eu.B", 2],
  ] as const) {
    const seqs = all.filter((item) => item.topic === topic).map(({ seq }) => seq);
    expect(seqs).toEqual(Array.from({ length: 1_000 }, (_, i) => first + 2 * i));
  }
  expect(some.every(({ topic, value }) => topic === "us.A" && value % 2 === 0)).toBe(true);
});

test("a late follower has the history, with no hole at the seam", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using feed = await openFeed<number>("late", listener);
  for (let i = 1; i <= 1_500; i++) feed.put("t", i);
  const seen: number[] = [];
  await using _follower = follow<number>(listener.endpoint, "late", {
    from: "start",
    onItem: ({ value }) => seen.push(value),
  });
  for (let i = 1_501; i <= 1_600; i++) {
    feed.put("t", i);
    if (i % 20 === 0) await sleep(10);
  }
  await expect.poll(() => seen.length, { timeout: 8_000 }).toBe(1_600);
  expect(seen).toEqual(Array.from({ length: 1_600 }, (_, i) => i + 1));
});

test("a history that is too short shows as a gap with its bounds", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using feed = await openFeed<number>("short", listener, { historyBytes: 2_000 });
  for (let i = 1; i <= 100; i++) feed.put("t", i);
  const gaps: { from: number; to: number }[] = [];
  const seen: number[] = [];
  await using _follower = follow<number>(listener.endpoint, "short", {
    from: "start",
    onItem: ({ value }) => seen.push(value),
    onGap: (gap) => gaps.push(gap),
  });
  await expect.poll(() => seen.at(-1), { timeout: 5_000 }).toBe(100);
  expect(gaps).toHaveLength(1);
  expect(gaps[0]?.from).toBe(1);
  expect(gaps[0]?.to).toBe((seen[0] ?? 0) - 1);
});

test("a collector gets everything from publishers that dial it, also what was put before", async () => {
  const [key, friend] = [KeyPair.random(), KeyPair.random()];
  const keys = { key, trust: (each: string) => each === friend.publicKey };
  await using listener = await listen("tcp://127.0.0.1:*", { keys });
  const items: FeedItem<string>[] = [];
  await using collector = await collectFeed<string>("logs", listener, {
    keys,
    from: "start",
    onItem: (item) => items.push(item),
  });
  const dialKeys = { key: friend, serverKey: key.publicKey };
  await using session = dial(listener.endpoint, { keys: dialKeys, node: "one" });
  await using one = publishTo<string>(session, "logs", { node: "one", keys: dialKeys });
  await using other = dial(listener.endpoint, { keys: dialKeys, node: "two" });
  await using two = publishTo<string>(other, "logs", { node: "two", keys: dialKeys });
  for (let i = 0; i < 50; i++) {
    one.put("app.web", `one ${i}`);
    two.put("app.web", `two ${i}`);
  }
  await sleep(600);
  one.put("app.web", "one last");
  await expect.poll(() => items.length, { timeout: 8_000 }).toBe(101);
  const ofOne = items.filter(({ node }) => node === "one").map(({ value }) => value);
  expect(ofOne).toEqual([...Array.from({ length: 50 }, (_, i) => `one ${i}`), "one last"]);
  expect(collector.stats()).toMatchObject([{ gaps: 0 }, { gaps: 0 }]);
});

test("a feed that is closed and opened again on its listener is followed again", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  const before = await openFeed<string>("again", listener);
  const got: string[] = [];
  await using _follower = follow<string>(listener.endpoint, "again", {
    onItem: ({ value }) => got.push(value),
  });
  await before.ready(1, { timeoutMs: 5_000 });
  before.put("a", "one");
  await expect.poll(() => got).toEqual(["one"]);
  await before.close();
  await using after = await openFeed<string>("again", listener);
  await after.ready(1, { timeoutMs: 5_000 });
  after.put("a", "two");
  await expect.poll(() => got, { timeout: 5_000 }).toEqual(["one", "two"]);
});

test("a follower that was there first has what is put once the feed is there", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using one = await openFeed<string>("other", listener);
  const got: string[] = [];
  await using _follower = follow<string>(listener.endpoint, "late", {
    onItem: ({ value }) => got.push(value),
  });
  await using session = dial(listener.endpoint);
  await session.ready(3_000);
  await sleep(100);
  await using feed = await openFeed<string>("late", listener);
  await feed.ready(1, { timeoutMs: 5_000 });
  feed.put("a", "one");
  await expect.poll(() => got, { timeout: 5_000 }).toEqual(["one"]);
  expect(one.stats().followers).toBe(0);
});

test("publishers find a collector that is opened late, and one that is opened again", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using session = dial(listener.endpoint, { node: "one" });
  await using feed = publishTo<number>(session, "logs", { node: "one" });
  await session.ready(3_000);
  feed.put("a", 1);
  await sleep(100);
  const got: number[] = [];
  const options = {
    from: "start",
    onItem: ({ value }: { readonly value: number }) => void got.push(value),
  } as const;
  const first = await collectFeed<number>("logs", listener, options);
  await expect.poll(() => got, { timeout: 5_000 }).toEqual([1]);
  await first.close();
  await using _second = await collectFeed<number>("logs", listener, options);
  feed.put("a", 2);
  await expect.poll(() => got, { timeout: 5_000 }).toEqual([1, 1, 2]);
});
