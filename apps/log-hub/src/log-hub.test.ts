import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dial } from "@zeroplane/link";
import { publishTo } from "@zeroplane/patterns";
import { connect } from "@zeroplane/rpc";
import { Life, LOGS_FEED, type LogLine, readConfig } from "@zeroplane/runtime";
import { expect, test } from "vitest";
import { Config } from "./config.ts";
import { escapeControl } from "./log-entry.ts";
import { LogStore } from "./log-store.ts";
import { type LogHub, wire } from "./wiring.ts";

const folder = (): string => mkdtempSync(join(tmpdir(), "zp-log-hub-"));

interface Hub extends AsyncDisposable {
  readonly endpoint: string;
}

async function startHub(data: string, bind = "tcp://127.0.0.1:*"): Promise<Hub> {
  const config = readConfig(Config, { ZP_DATA: data, ZP_BIND: bind, ZP_LOG_LEVEL: "fatal" });
  const life = new Life("log-hub", config, new AbortController().signal);
  const endpoint = await life.serve({ ...(await wire(life)) });
  return { endpoint, [Symbol.asyncDispose]: () => life[Symbol.asyncDispose]() };
}

const line = (text: string): LogLine => ({ stream: "out", text });

test("lines of many processes arrive, in order, each once, and can be asked for", async () => {
  await using hub = await startHub(folder());
  await using a = dial(hub.endpoint, { node: "a" });
  await using b = dial(hub.endpoint, { node: "b" });
  await using one = publishTo<LogLine>(a, LOGS_FEED, { node: "a" });
  await using two = publishTo<LogLine>(b, LOGS_FEED, { node: "b" });
  for (let i = 0; i < 200; i++) {
    one.put("app.shop.shop-1", line(`one ${i}`));
    two.put("build.shop.d-1", line(`two ${i}`));
  }
  two.put("service.builder.b", { ...line("built"), traceId: "t1" });
  await using client = connect<LogHub>(hub.endpoint);
  await expect
    .poll(async () => (await client.logs.ledger()).reduce((sum, { stored }) => sum + stored, 0), {
      timeout: 8_000,
    })
    .toBe(401);
  const shop = await Array.fromAsync(client.logs.tail({ app: "shop", lines: 1_000 }));
  expect(shop).toHaveLength(400);
  const ofOne = shop.filter(({ node }) => node === "a").map(({ text }) => text);
  expect(ofOne).toEqual(Array.from({ length: 200 }, (_, i) => `one ${i}`));
  expect(await Array.fromAsync(client.logs.tail({ deploy: "d-1", lines: 3 }))).toHaveLength(3);
  const [built] = await Array.fromAsync(client.logs.tail({ traceId: "t1" }));
  expect(built).toMatchObject({ text: "built", topic: "service.builder.b" });
});

test("a follower sees the past, then the present, with no hole or repeat at the seam", async () => {
  await using hub = await startHub(folder());
  await using session = dial(hub.endpoint, { node: "a" });
  await using feed = publishTo<LogLine>(session, LOGS_FEED, { node: "a" });
  await using client = connect<LogHub>(hub.endpoint);
  let put = 0;
  const timer = setInterval(() => {
    for (let i = 0; i < 5 && put < 500; i++) feed.put("app.x.x-1", line(String(put++)));
  }, 5);
  try {
    await sleep(150);
    const seen: string[] = [];
    for await (const { text } of client.logs.tail({ app: "x", lines: 10_000, follow: true })) {
      seen.push(text);
      if (seen.length === 500) break;
    }
    expect(seen).toEqual(Array.from({ length: 500 }, (_, i) => String(i)));
  } finally {
    clearInterval(timer);
  }
});

test("a hub that was away gets what was said meanwhile, and nothing twice", async () => {
  const data = folder();
  const first = await startHub(data);
  await using session = dial(first.endpoint, { node: "a" });
  await using feed = publishTo<LogLine>(session, LOGS_FEED, { node: "a" });
  for (let i = 0; i < 50; i++) feed.put("app.x.x-1", line(`before ${i}`));
  const client = connect<LogHub>(first.endpoint);
  await expect
    .poll(async () => (await client.logs.ledger())[0]?.stored, { timeout: 5_000 })
    .toBe(50);
  await client[Symbol.asyncDispose]();
  await first[Symbol.asyncDispose]();
  for (let i = 0; i < 50; i++) feed.put("app.x.x-1", line(`away ${i}`));
  await using second = await startHub(data, first.endpoint);
  feed.put("app.x.x-1", line("after"));
  await using again = connect<LogHub>(second.endpoint);
  const texts = async (): Promise<string[]> =>
    (await Array.fromAsync(again.logs.tail({ app: "x", lines: 1_000 }))).map(({ text }) => text);
  await expect.poll(async () => (await texts()).length, { timeout: 8_000 }).toBe(101);
  expect((await texts()).slice(48, 52)).toEqual(["before 48", "before 49", "away 0", "away 1"]);
  expect((await texts()).at(-1)).toBe("after");
});

test("what cannot be had any more stands as a line of its own", async () => {
  await using hub = await startHub(folder());
  await using session = dial(hub.endpoint, { node: "a" });
  await using feed = publishTo<LogLine>(session, LOGS_FEED, { node: "a", historyBytes: 3_000 });
  // Nobody listens yet, so only the history can tell: and it is too short.
  for (let i = 0; i < 300; i++) feed.put("app.x.x-1", line(`line ${i}`));
  await using client = connect<LogHub>(hub.endpoint);
  await expect
    .poll(async () => (await client.logs.ledger())[0]?.lost ?? 0, { timeout: 8_000 })
    .toBeGreaterThan(0);
  const gaps = async (): Promise<string> =>
    (await Array.fromAsync(client.logs.tail({ service: "gap" }))).map(({ text }) => text).join();
  await expect.poll(gaps, { timeout: 5_000 }).toMatch(/lines of a lost/);
});

test("the store stays within its size and counts what it lets go", () => {
  using store = new LogStore(join(folder(), "logs.db"), 300_000);
  const text = "x".repeat(1_000);
  for (let i = 0; i < 600; i++) {
    store.add([
      { topic: "app.x.x-1", node: "a", epoch: 1, seq: i + 1, atMs: i, value: line(text) },
    ]);
    store.trim();
  }
  expect(store.dropped).toBeGreaterThan(100);
  expect(store.newest({}, 0, 10_000).at(-1)?.atMs).toBe(599);
});

test("control characters cannot move the cursor of a reader", () => {
  expect(escapeControl("a\u001b[2Jb\tc\u0007")).toBe("a\\x1b[2Jb\tc\\x07");
});
