import { setTimeout as sleep } from "node:timers/promises";
import { listen } from "@zeroplane/link";
import { expect, test } from "vitest";
import { follow } from "./follow.ts";
import type { FeedEvent } from "./follow-options.ts";
import type { Follower } from "./follower.ts";
import { openFeed } from "./open-feed.ts";

const COUNT = 5_000;
const upTo = (last: number): number[] => Array.from({ length: last }, (_, i) => i + 1);

/** Takes until `last` has come; `first` is how long the first one takes. */
async function taken(
  follower: Follower<number>,
  last: number,
  first = 0,
): Promise<FeedEvent<number>[]> {
  const events: FeedEvent<number>[] = [];
  for await (const event of follower) {
    events.push(event);
    if (events.length === 1) await sleep(first);
    if ("seq" in event && event.seq === last) break;
  }
  return events;
}

const seqsOf = (events: readonly FeedEvent<number>[]): number[] =>
  events.flatMap((event) => ("seq" in event ? [event.seq] : []));

test("a slow iteration gets the rest from the history, each of it once, and little waits", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using feed = await openFeed<number>("slow", listener);
  await using slow = follow<number>(listener.endpoint, "slow", { maxLag: { messages: 100 } });
  await using fast = follow<number>(listener.endpoint, "slow", {});
  await feed.ready(2);
  const others = taken(fast, COUNT);
  const events = taken(slow, COUNT, 300);
  for (let i = 1; i <= COUNT; i++) {
    feed.put("t", i);
    if (i % 500 === 0) await sleep(5);
  }
  expect(seqsOf(await others)).toEqual(upTo(COUNT));
  expect(slow.lag.waiting).toBeLessThanOrEqual(100);
  expect(seqsOf(await events)).toEqual(upTo(COUNT));
  expect(slow.stats()[0]?.left).toBeGreaterThan(0);
  expect(slow.lag.dropped).toBe(0);
});

test("a slow iteration skips the oldest and is told their bounds", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using feed = await openFeed<number>("skips", listener);
  await using slow = follow<number>(listener.endpoint, "skips", {
    slow: "drop-oldest-and-say",
    maxLag: { messages: 100 },
  });
  await feed.ready(1);
  const events = taken(slow, COUNT, 300);
  for (let i = 1; i <= COUNT; i++) {
    feed.put("t", i);
    if (i % 500 === 0) await sleep(5);
  }
  const got = await events;
  const accounted = got.flatMap((event) => {
    if ("seq" in event) return [event.seq];
    if (!("gap" in event)) return [];
    const { from, to } = event.gap;
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
  expect(accounted).toEqual(upTo(COUNT));
  expect(slow.lag.dropped).toBe(COUNT - seqsOf(got).length);
  expect(slow.lag.dropped).toBeGreaterThan(0);
});

test("a slow iteration ends with its lag, and the others go on", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using feed = await openFeed<number>("dies", listener);
  await using slow = follow<number>(listener.endpoint, "dies", {
    slow: "die",
    maxLag: { messages: 100 },
  });
  await using fast = follow<number>(listener.endpoint, "dies", {});
  await feed.ready(2);
  const others = taken(fast, COUNT);
  const end = taken(slow, COUNT, 300);
  const refused = expect(end).rejects.toMatchObject({
    code: "ERR_LAGGED",
    message: expect.stringMatching(/dies.*too slow.*messages/) as string,
  });
  for (let i = 1; i <= COUNT; i++) feed.put("t", i);
  expect(seqsOf(await others)).toEqual(upTo(COUNT));
  await refused;
  await expect.poll(() => feed.stats().followers).toBe(0);
});

test("an iteration that is too late dies without a further message", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using feed = await openFeed<number>("late", listener);
  await using slow = follow<number>(listener.endpoint, "late", {
    slow: "die",
    maxLag: { ms: 100 },
  });
  await feed.ready(1);
  feed.put("t", 1);
  feed.put("t", 2);
  await expect(taken(slow, 2, 1_500)).rejects.toMatchObject({ code: "ERR_LAGGED" });
});

test("a slow iteration that begins with the history loses none of it under any policy", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using feed = await openFeed<number>("old", listener);
  for (let i = 1; i <= COUNT; i++) feed.put("t", i);
  for (const slow of ["replay", "drop-oldest-and-say", "die"] as const) {
    await using follower = follow<number>(listener.endpoint, "old", {
      from: "start",
      slow,
      maxLag: { messages: 20 },
    });
    expect(seqsOf(await taken(follower, COUNT, 100))).toEqual(upTo(COUNT));
  }
});

test("what is left to the history comes as soon as there is room", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  const log = { historyBytes: 16 * 1024 * 1024 };
  await using feed = await openFeed<string>("large", listener, log);
  for (let i = 1; i <= 2_000; i++) feed.put("t", "x".repeat(5_000));
  await using follower = follow<string>(listener.endpoint, "large", {
    from: "start",
    maxLag: { messages: 10 },
  });
  let waiting = 0;
  let count = 0;
  const startMs = performance.now();
  for await (const _ of follower) {
    waiting = Math.max(waiting, follower.lag.waiting);
    if (++count === 2_000) break;
    if (count % 2 === 0) await sleep(1);
  }
  // Forty answers: with a beat between them it would be nine seconds and more.
  expect(performance.now() - startMs).toBeLessThan(5_000);
  expect(waiting).toBeLessThan(150);
}, 20_000);

test("who has died without being iterated keeps nothing", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using feed = await openFeed<number>("idle", listener);
  await using idle = follow<number>(listener.endpoint, "idle", { slow: "die", maxLag: { ms: 50 } });
  await feed.ready(1);
  feed.put("t", 1);
  await expect.poll(() => idle.lag.waiting).toBe(1);
  await expect.poll(() => idle.lag.waiting, { timeout: 3_000 }).toBe(0);
  await expect(taken(idle, 2)).rejects.toMatchObject({ code: "ERR_LAGGED" });
});

test("an iteration ends when its follower is closed, and leaving it closes the follower", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using feed = await openFeed<number>("ends", listener);
  const first = follow<number>(listener.endpoint, "ends", {});
  await feed.ready(1);
  const events = taken(first, COUNT);
  feed.put("t", 1);
  await expect.poll(() => first.stats()[0]?.seen).toBe(1);
  await first.close();
  expect(seqsOf(await events)).toEqual([1]);
  await using second = follow<number>(listener.endpoint, "ends", { from: "start" });
  await taken(second, 1);
  await expect(taken(second, 2)).rejects.toMatchObject({ code: "ERR_BAD_OPTION" });
  await expect.poll(() => feed.stats().followers).toBe(0);
});

test("options that make no sense are refused, by name", () => {
  const onItem = (): void => undefined;
  for (const options of [
    { from: -1 },
    { from: 1.5 },
    { from: new Date(Number.NaN) },
    { slow: "die", onItem },
    { maxLag: { messages: 5 }, onItem },
    { maxLag: { messages: 0 } },
  ] as const)
    expect(() => follow("tcp://127.0.0.1:1", "bad", options)).toThrow(
      expect.objectContaining({ code: "ERR_BAD_OPTION", message: expect.stringContaining("bad") }),
    );
});
