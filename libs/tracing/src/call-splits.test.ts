import { setTimeout as sleep } from "node:timers/promises";
import { zstdDecompressSync } from "node:zlib";
import { trace } from "@opentelemetry/api";
import { connect, serve } from "@zeroplane/rpc";
import { afterEach, expect, test } from "vitest";
import { CALLS_KIND, type RecordedCall, readCallRows } from "./call-rows.ts";
import { inSpan, startTracing, type Tracing, tracingInterceptor } from "./index.ts";
import { SPANS_KIND } from "./outlet.ts";

const interceptors = [tracingInterceptor];
const CLIENT = 3;
let calls: RecordedCall[] = [];
let otlp = "";
let tracing: Tracing | undefined;

function start(): Tracing {
  const push = (kind: string, body: Uint8Array): void => {
    if (kind === CALLS_KIND) calls.push(...readCallRows(body as Buffer).calls);
    if (kind === SPANS_KIND) otlp += zstdDecompressSync(body).toString("latin1");
  };
  tracing = startTracing({ service: "s", node: "n", sink: { push } });
  return tracing;
}

afterEach(async () => {
  await tracing?.[Symbol.asyncDispose]();
  calls = [];
  otlp = "";
});

const target = {
  slow: (ms: number) => sleep(ms, ms),
  fail: async (ms: number) => {
    await sleep(ms);
    throw new TypeError("no");
  },
  count: async function* (n: number) {
    for (let i = 0; i < n; i++) yield i;
  },
  spin: (ms: number) => {
    const untilMs = performance.now() + ms;
    while (performance.now() < untilMs) continue;
    return ms;
  },
};

/** What the client spans of `run` say of their waits, milliseconds, by start. */
async function waits(
  run: (client: ReturnType<typeof connect<typeof target>>) => Promise<unknown>,
): Promise<(number | "unawaited" | undefined)[]> {
  start();
  await using server = await serve(target, { interceptors });
  await using client = connect<typeof target>(server.endpoint, { interceptors });
  await client.slow(0);
  await tracing?.flush();
  calls = [];
  await run(client);
  await sleep(50);
  await tracing?.flush();
  return calls
    .filter(({ kind }) => kind === CLIENT)
    .toSorted((a, b) => a.startUs - b.startUs)
    .map(({ attributes }) => {
      if (attributes["zp.unawaited"] === true) return "unawaited";
      const ns = attributes["zp.await_ns"];
      return ns === undefined ? undefined : Number(ns) / 1e6;
    });
}

const near = (ms: number, by = 25): unknown => ({
  asymmetricMatch: (value: unknown) => typeof value === "number" && Math.abs(value - ms) <= by,
});

test("a call that is awaited at once blocks its caller for its whole length", async () => {
  expect(await waits((client) => client.slow(60))).toEqual([near(60)]);
});

test("calls awaited together are each waited for from then on", async () => {
  const found = await waits(async (client) => {
    const both = [client.slow(80), client.slow(140)];
    await sleep(40);
    await Promise.all(both);
  });
  expect(found).toEqual([near(40), near(100)]);
});

test("of calls awaited one after the other the second is waited for the rest of it", async () => {
  const found = await waits(async (client) => {
    const [a, b, c] = [client.slow(60), client.slow(150), client.slow(20)];
    await a;
    await b;
    await c;
  });
  expect(found).toEqual([near(60), near(90), 0]);
});

test("a result nobody waits for is told from one that is there when somebody does", async () => {
  const found = await waits(async (client) => {
    const never = client.slow(20);
    void client.slow(20).catch(() => undefined);
    void client.slow(20).finally(() => undefined);
    const late = client.slow(20);
    await sleep(120);
    await late;
    return never === undefined;
  });
  expect(found).toEqual(["unawaited", "unawaited", "unawaited", 0]);
});

test("catch and finally give what can be awaited as well", async () => {
  const found = await waits(async (client) => {
    const caught = client.slow(90).catch(() => 7);
    const passed = client.slow(190).finally(() => 9);
    await sleep(30);
    expect(await caught).toBe(90);
    expect(await passed).toBe(190);
    expect(await client.fail(1).catch(() => 7)).toBe(7);
    await expect(client.fail(10).finally(() => 1)).rejects.toThrow("no");
  });
  expect(found).toEqual([near(60), near(100)]);
});

test("a stream does not say for how long it was waited for", async () => {
  const found = await waits(async (client) => {
    for await (const _ of client.count(3)) await sleep(5);
  });
  expect(found).toEqual([undefined]);
});

test("a call that somebody adds to says it as an attribute", async () => {
  await waits(async (client) => {
    await inSpan("outer", {}, () => client.fail(20)).catch(() => undefined);
  });
  expect(otlp).toContain("zp.await_ns");
  expect(otlp).not.toContain("zp.unawaited");
});

test("an answer is a promise, and a failure nobody looks at is told of", async () => {
  start();
  await using server = await serve(target, { interceptors });
  await using client = connect<typeof target>(server.endpoint, { interceptors });
  const answer = client.slow(1);
  expect(answer).toBeInstanceOf(Promise);
  expect(answer.then((ms) => ms + 1).constructor).toBe(Promise);
  expect(await answer).toBe(1);
  expect(await Promise.race([client.slow(1), client.slow(200)])).toBe(1);
  expect(trace.getActiveSpan()).toBeUndefined();
});

test("a call that comes while another one holds the loop says how late it was begun", async () => {
  start();
  await using server = await serve(target, { interceptors });
  await using client = connect<typeof target>(server.endpoint, { interceptors });
  await client.slow(0);
  await sleep(50);
  await tracing?.flush();
  calls = [];
  // Leaves with the turn, comes back while the loop spins, and is begun after that.
  const call = client.slow(0);
  await new Promise((resolve) => setImmediate(resolve));
  target.spin(120);
  await call;
  await tracing?.flush();
  const [server1] = calls.filter(({ kind }) => kind !== CLIENT);
  expect(Number(server1?.attributes["zp.lag_ns"]) / 1e6).toEqual(near(110, 20));
});

test("calls that come together wait for those before them", async () => {
  start();
  await using server = await serve(target, { interceptors });
  await using client = connect<typeof target>(server.endpoint, { interceptors });
  await client.slow(0);
  await sleep(50);
  await tracing?.flush();
  calls = [];
  await Promise.all(Array.from({ length: 4 }, () => client.spin(20)));
  await tracing?.flush();
  const spun = calls
    .filter(({ kind, name }) => kind !== CLIENT && name.endsWith(".spin"))
    .toSorted((a, b) => a.startUs - b.startUs);
  const queued = spun.map(({ attributes }) => Number(attributes["zp.queue_ns"] ?? 0) / 1e6);
  // They came together: each waited from the start of the first, however long those before it took.
  const sinceFirst = spun.map(({ startUs }) => (startUs - (spun[0]?.startUs ?? 0)) / 1_000);
  expect(sinceFirst.map((ms, at) => ms >= 20 * at - 1)).toEqual([true, true, true, true]);
  expect(queued).toEqual(sinceFirst.map((ms) => near(ms, 5)));
});

test("a loop that is not late any more is not said to be", async () => {
  start();
  await using server = await serve(target, { interceptors });
  await using client = connect<typeof target>(server.endpoint, { interceptors });
  target.spin(80);
  await sleep(30);
  for (let i = 0; i < 20; i++) {
    await client.slow(0);
    await sleep(7);
  }
  await tracing?.flush();
  const late = calls.filter(({ attributes }) => Number(attributes["zp.lag_ns"] ?? 0) > 20e6);
  expect(late).toHaveLength(0);
});
