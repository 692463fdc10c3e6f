import { dial, KeyPair, listen, relay } from "@zeroplane/link";
import { expect, test } from "vitest";
import { collectFeed, follow } from "./feed/follow.ts";
import { openFeed, publishTo } from "./feed/open-feed.ts";
import { relayFeeds } from "./feed/relay-feeds.ts";
import { collectPipe } from "./pipe/collector.ts";
import { openPipe } from "./pipe/pipe.ts";
import { relayPipe } from "./pipe/relay-pipe.ts";
import { openState } from "./state/state.ts";
import { viewState } from "./state/view.ts";
import { nobody } from "./testing/nobody.ts";

const ANY = "tcp://127.0.0.1:*";
const WAIT = { timeout: 10_000 };
const WAIT_MS = { timeoutMs: 10_000 };

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
  const endpoint = await nobody();
  await using broker = await relayPipe({ to: endpoint });
  await using pipe = openPipe(`tcp://127.0.0.1:${broker.port}`, { node: "sender" });
  for (let i = 0; i < 5_000; i++) pipe.push("n", Buffer.alloc(100));
  await expect.poll(() => broker.stats().waits, WAIT).toBeGreaterThan(0);
  let got = 0;
  await using collector = await collectPipe({ bind: endpoint, onMessage: () => void got++ });
  await expect.poll(() => got, WAIT).toBe(5_000);
  expect(collector.stats()).toMatchObject([{ node: "sender", received: 5_000, lost: 0 }]);
});

/** Keys of a broker in the middle: only `outer` may enter in front, only the broker at the back. */
function keysOfAll() {
  const [back, middle, outer] = [KeyPair.random(), KeyPair.random(), KeyPair.random()];
  const only = (allowed: KeyPair) => (key: string) => key === allowed.publicKey;
  return {
    atBack: { key: back, trust: only(middle) },
    inFront: { key: middle, trust: only(outer) },
    towardsBack: { key: middle, serverKey: back.publicKey },
    towardsFront: { key: outer, serverKey: middle.publicKey },
  };
}

test("a feed goes through a relay with keys on both sides, out to followers and in to collectors", async () => {
  const { atBack, inFront, towardsBack, towardsFront } = keysOfAll();
  await using back = await listen(ANY, { keys: atBack });
  await using feed = await openFeed<number>("out", back, { keys: atBack });
  const collected: number[] = [];
  await using _collector = await collectFeed<number>("in", back, {
    keys: atBack,
    onItem: ({ value }) => collected.push(value),
  });
  await using front = await listen(ANY, { keys: inFront });
  const to = { to: [back.endpoint], dial: { keys: towardsBack } };
  await using broker = await relayFeeds(front, { ...to, keys: inFront });
  const got: number[] = [];
  await using _follower = follow<number>(front.endpoint, "out", {
    keys: towardsFront,
    onItem: ({ value }) => got.push(value),
  });
  await using session = dial(front.endpoint, { keys: towardsFront, node: "outside" });
  await using publisher = publishTo<number>(session, "in", { keys: towardsFront });
  await Promise.all([feed.ready(1, WAIT_MS), publisher.ready(1, WAIT_MS)]);
  const before = broker.stats().records;
  feed.put("a", 1);
  publisher.put("b", 2);
  await expect.poll(() => [got, collected], WAIT).toEqual([[1], [2]]);
  // By the data lane, not by the sessions.
  expect(broker.stats().records).toBeGreaterThanOrEqual(before + 2);
});

test("a pipe goes through a relay with keys on both sides", async () => {
  const { atBack, inFront, towardsBack, towardsFront } = keysOfAll();
  const got: string[] = [];
  await using collector = await collectPipe({
    keys: atBack,
    onMessage: ({ node }, body) => void got.push(`${node} ${body.toString()}`),
  });
  const endpoint = `tcp://127.0.0.1:${collector.port}`;
  await using broker = await relayPipe({ to: endpoint, keys: inFront, dial: towardsBack });
  const front = `tcp://127.0.0.1:${broker.port}`;
  await using pipe = openPipe(front, { node: "outside", keys: towardsFront });
  const strange = { key: KeyPair.random(), serverKey: towardsFront.serverKey };
  await using stranger = openPipe(front, { node: "stranger", keys: strange });
  stranger.push("n", Buffer.from("no"));
  pipe.push("n", Buffer.from("yes"));
  await expect.poll(() => got, WAIT).toEqual(["outside yes"]);
  expect(stranger.stats()).toMatchObject({ sent: 0, waiting: 1 });
});
