import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { zstdCompress, zstdDecompress } from "node:zlib";
import { SpanKind } from "@opentelemetry/api";
import { openPipe } from "@zeroplane/patterns";
import { connect, serve } from "@zeroplane/rpc";
import { Life, readConfig } from "@zeroplane/runtime";
import {
  CALLS_KIND,
  inSpan,
  SPANS_KIND,
  startSpan,
  startTracing,
  tracingInterceptor,
} from "@zeroplane/tracing";
import { expect, test } from "vitest";
import { Config } from "./config.ts";
import { decodeTraces } from "./ingest/otlp-protobuf.ts";
import { TraceStore } from "./store/trace-store.ts";
import { Traces } from "./traces.ts";
import { type TraceCollector, wire } from "./wiring.ts";

const folder = (): string => mkdtempSync(join(tmpdir(), "zp-traces-"));
const PIPE = (port: number): string => `tcp://127.0.0.1:${port}`;

/** The bytes that the real SDK and exporter make of some work. */
async function exported(work: () => Promise<unknown>): Promise<Buffer> {
  const bodies: Uint8Array[] = [];
  const sink = { push: (_kind: string, body: Uint8Array): void => void bodies.push(body) };
  const tracing = startTracing({ service: "shop", node: "shop-1", sink });
  await work();
  await tracing[Symbol.asyncDispose]();
  const parts = await Promise.all(bodies.map((body) => promisify(zstdDecompress)(body)));
  return Buffer.concat(parts);
}

test("reads what the SDK writes: ids, times, kinds, links, errors and every type of value", async () => {
  const attributes = {
    text: "ü",
    int: 42,
    negative: -7,
    double: 1.5,
    yes: true,
    list: ["a", "b"],
    none: [],
  };
  const bytes = await exported(async () => {
    await inSpan("parent", attributes, async (parent) => {
      const child = startSpan("child", {
        kind: SpanKind.CLIENT,
        links: [{ context: parent.spanContext() }],
      });
      child.end();
    });
    await inSpan("fails", {}, () => Promise.reject(new TypeError("no"))).catch(() => undefined);
  });
  const [child, parent, fails] = decodeTraces(bytes).spans;
  expect(parent).toMatchObject({
    service: "shop",
    node: "shop-1",
    name: "parent",
    parentId: undefined,
  });
  expect(parent?.attributes).toMatchObject(attributes);
  expect(child).toMatchObject({ name: "child", kind: 3, parentId: parent?.spanId });
  expect(child?.links[0]?.spanId).toBe(parent?.spanId.toString("hex"));
  expect(fails).toMatchObject({ status: 2, statusMessage: "no" });
  expect(parent?.durationNs).toBeGreaterThan(0);
  expect(Math.abs((parent?.startUs ?? 0) / 1_000 - Date.now())).toBeLessThan(60_000);
});

test("refuses bytes that are no spans, wherever they are cut or changed", async () => {
  const bytes = await exported(() => inSpan("one", { a: 1 }, async () => undefined));
  let refused = 0;
  for (let at = 1; at < bytes.length; at++) {
    for (const broken of [
      bytes.subarray(0, at),
      Buffer.from(bytes.map((b, i) => (i === at ? b ^ 0xff : b))),
    ]) {
      try {
        decodeTraces(broken);
      } catch (error) {
        expect(error).toMatchObject({ code: "ERR_OTLP" });
        refused++;
      }
    }
  }
  expect(refused).toBeGreaterThan(bytes.length / 2);
});

test("collects from pipes, keeps each span once, and counts what is none", async () => {
  const bytes = await exported(() =>
    inSpan("root", {}, () => inSpan("below", {}, async () => undefined)),
  );
  const body = await promisify(zstdCompress)(bytes);
  const port = 20_000 + Math.floor(Math.random() * 9_000);
  const config = readConfig(Config, {
    ZP_DATA: folder(),
    ZP_PIPE: PIPE(port),
    ZP_LOG_LEVEL: "fatal",
  });
  await using life = new Life("trace-collector", config, new AbortController().signal);
  const endpoint = await life.serve({ ...(await wire(life)) });
  await using pipe = openPipe(PIPE(port), { node: "shop-1" });
  pipe.push(SPANS_KIND, body);
  pipe.push(SPANS_KIND, body);
  pipe.push(SPANS_KIND, Buffer.from("garbage"));
  pipe.push(CALLS_KIND, Buffer.from("garbage"));
  pipe.push("something else", body);
  await using client = connect<TraceCollector>(endpoint);
  await expect
    .poll(async () => client.traces.stats(), { timeout: 5_000 })
    .toMatchObject({
      batches: 2,
      spans: 2,
      duplicates: 2,
      refused: { otlp: 1, calls: 1, kind: 1 },
    });
  const [summary] = await client.traces.list();
  expect(summary).toMatchObject({
    name: "root",
    service: "shop",
    spans: 2,
    services: 1,
    errors: 0,
  });
  const trace = await client.traces.get(summary?.traceId ?? "");
  expect(trace.spans.map(({ name }) => name)).toEqual(["root", "below"]);
  expect(trace.spans[1]?.parentId).toBe(trace.spans[0]?.spanId);
  await expect(client.traces.get("0".repeat(32))).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
});

test("the critical path of calls at the same time is what their caller was blocked on", async () => {
  await using store = new TraceStore({ data: folder(), retention: { ms: 60_000, bytes: 1e9 } });
  const taken: Promise<unknown>[] = [];
  const push = (kind: string, body: Uint8Array): void => void taken.push(store.add({ kind, body }));
  const tracing = startTracing({ service: "shop", node: "shop-1", sink: { push } });
  const interceptors = [tracingInterceptor];
  const target = { slow: (ms: number) => sleep(ms, ms), fast: (ms: number) => sleep(ms, ms) };
  await using server = await serve(target, { interceptors });
  await using client = connect<typeof target>(server.endpoint, { interceptors });
  await inSpan("checkout", {}, async () => {
    // Ends while the caller does something else.
    const early = client.fast(30);
    await sleep(100);
    await Promise.all([client.slow(120), client.fast(60), early]);
  });
  await tracing[Symbol.asyncDispose]();
  await Promise.all(taken);
  const traces = new Traces(store);
  const [summary] = await traces.list({ name: "checkout" });
  const { spans, criticalPath } = await traces.get(summary?.traceId ?? "");
  const onPath = (name: string): number =>
    criticalPath
      .filter(({ spanId }) => spans.find((span) => span.spanId === spanId)?.name.endsWith(name))
      .reduce((sum, { durationMs }) => sum + durationMs, 0);
  expect(onPath("fast")).toBe(0);
  expect(onPath("slow")).toBeGreaterThan(100);
  expect(onPath("checkout")).toBeGreaterThan(85);
});

test("makes spans of calls that come as rows, below those that come as OTLP", async () => {
  await using store = new TraceStore({ data: folder(), retention: { ms: 60_000, bytes: 1e9 } });
  const taken: Promise<unknown>[] = [];
  const sink = {
    push: (kind: string, body: Uint8Array): void => void taken.push(store.add({ kind, body })),
  };
  const tracing = startTracing({ service: "shop", node: "shop-1", sink });
  const interceptors = [tracingInterceptor];
  await using server = await serve({ add: (a: number, b: number) => a + b }, { interceptors });
  await using client = connect<{ add(a: number, b: number): number }>(server.endpoint, {
    interceptors,
  });
  await inSpan("checkout", {}, () => client.add(1, 2));
  await tracing[Symbol.asyncDispose]();
  await Promise.all(taken);
  const traces = new Traces(store);
  const [summary] = await traces.list({ name: "checkout" });
  const { spans, criticalPath } = await traces.get(summary?.traceId ?? "");
  expect(spans.map(({ name, kind, service, node }) => [name, kind, service, node])).toEqual([
    ["checkout", "internal", "shop", "shop-1"],
    ["add", "client", "shop", "shop-1"],
    [expect.stringMatching(/\.add$/), "server", "shop", "shop-1"],
  ]);
  expect(spans[1]?.parentId).toBe(spans[0]?.spanId);
  expect(spans[2]?.parentId).toBe(spans[1]?.spanId);
  expect(spans[2]?.attributes).toMatchObject({ "rpc.system.name": "zeroplane" });
  expect(criticalPath.map(({ spanId }) => spanId)).toContain(spans[1]?.spanId);
  expect(await store.stats()).toMatchObject({ spans: 3, refused: {} });
});
