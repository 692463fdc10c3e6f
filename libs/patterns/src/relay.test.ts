import { dial, listen, relay } from "@zeroplane/link";
import { expect, test } from "vitest";
import { collectFeed, follow } from "./feed/follow.ts";
import { openFeed, publishTo } from "./feed/open-feed.ts";
import { relayFeeds } from "./feed/relay-feeds.ts";
import { collectPipe } from "./pipe/collector.ts";
import { openPipe } from "./pipe/pipe.ts";
import { relayPipe } from "./pipe/relay-pipe.ts";
import { openState } from "./state/state.ts";
import { viewState } from "./state/view.ts";

const ANY = "tcp://127.0.0.1:*";
const WAIT = { timeout: 10_000 };

test("a feed through a relay has its numbers, its history, and what is put from then on", async () => {
  await using back = await listen(ANY);
  await using feed = await openFeed<number>("numbers", back);
  for (let i = 1; i <= 50; i++) feed.put("a", i);
  await using front = await listen(ANY);
  await using broker = await relayFeeds(front, { to: [back.endpoint] });
  const got: number[] = [];
  const onItem = ({ seq }: { readonly seq: number }): void => void got.push(seq);
  await using _one = follow<number>(front.endpoint, "numbers", { from: "start", onItem });
  await using _two = follow<number>(front.endpoint, "numbers", { topics: ["none"], onItem });
  await feed.ready(2, { timeoutMs: 5_000 });
  for (let i = 51; i <= 100; i++) feed.put("a", i);
  await expect.poll(() => got.length, WAIT).toBe(100);
  expect(got).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
  const { records, sessions } = broker.stats();
  expect([records > 0, sessions]).toEqual([true, 2]);
});

test("a feed behind a relay that begins again is found at its other port", async () => {
  const first = await listen(ANY);
  const before = await openFeed<string>("again", first);
  await using front = await listen(ANY);
  await using _broker = await relayFeeds(front, { to: [first.endpoint] });
  const got: string[] = [];
  const resets: unknown[] = [];
  await using _follower = follow<string>(front.endpoint, "again", {
    onItem: ({ value }) => got.push(value),
    onReset: (reset) => resets.push(reset),
  });
  await before.ready(1, { timeoutMs: 5_000 });
  before.put("a", "one");
  await expect.poll(() => got, WAIT).toEqual(["one"]);
  await before.close();
  await first.close();
  await using second = await listen(first.endpoint);
  await using after = await openFeed<string>("again", second);
  await after.ready(1, { timeoutMs: 10_000 });
  after.put("a", "two");
  await expect.poll(() => got, WAIT).toEqual(["one", "two"]);
  expect(resets).toHaveLength(1);
});

test("publishers reach a collector through a relay", async () => {
  await using back = await listen(ANY);
  const got: string[] = [];
  await using _collector = await collectFeed<number>("logs", back, {
    from: "start",
    onItem: ({ node, value }) => got.push(`${node} ${value}`),
  });
  await using front = await listen(ANY);
  await using _broker = await relayFeeds(front, { to: [back.endpoint] });
  await using one = dial(front.endpoint, { node: "one" });
  await using two = dial(front.endpoint, { node: "two" });
  await using a = publishTo<number>(one, "logs", { node: "one" });
  await using b = publishTo<number>(two, "logs", { node: "two" });
  for (let i = 0; i < 20; i++) {
    a.put("x", i);
    b.put("y", i);
  }
  await expect.poll(() => got.length, WAIT).toBe(40);
  const of = (node: string): string[] => got.filter((each) => each.startsWith(node));
  expect(of("one")).toEqual(Array.from({ length: 20 }, (_, i) => `one ${i}`));
  expect(of("two")).toHaveLength(20);
});

test("a state through a relay is viewed, seen and set, and what was held goes", async () => {
  await using back = await listen(ANY);
  await using state = openState<number>("s", back, { writable: () => true });
  await using front = await listen(ANY);
  await using _broker = relay(front, { to: [back.endpoint] });
  const session = dial(front.endpoint, { node: "viewer" });
  await using view = viewState<number>(session, "s");
  await view.ready(5_000);
  await state.seen(state.set("a", 1), { timeoutMs: 5_000 });
  await view.set("held", 2, { ephemeral: true });
  await expect
    .poll(() => view.entries(), WAIT)
    .toEqual([
      ["a", 1],
      ["held", 2],
    ]);
  await session.close();
  await expect.poll(() => state.entries(), WAIT).toEqual([["a", 1]]);
});

test("a pipe through a relay arrives whole, also what was sent while the collector was away", async () => {
  const away = await collectPipe({ onMessage: () => undefined });
  const endpoint = `tcp://127.0.0.1:${away.port}`;
  await away.close();
  await using broker = await relayPipe({ to: endpoint });
  await using pipe = openPipe(`tcp://127.0.0.1:${broker.port}`, { node: "sender" });
  for (let i = 0; i < 5_000; i++) pipe.push("n", Buffer.alloc(100));
  await expect.poll(() => broker.stats().waits, WAIT).toBeGreaterThan(0);
  let got = 0;
  await using collector = await collectPipe({ bind: endpoint, onMessage: () => void got++ });
  await expect.poll(() => got, WAIT).toBe(5_000);
  expect(collector.stats()).toMatchObject([{ node: "sender", received: 5_000, lost: 0 }]);
});
