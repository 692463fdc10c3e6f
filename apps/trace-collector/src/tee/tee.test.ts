import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync, gzipSync } from "node:zlib";
import { connect, serve } from "@zeroplane/rpc";
import { startTracing, tracingInterceptor } from "@zeroplane/tracing";
import { CALLS_KIND } from "@zeroplane/tracing/wire";
import { expect, test, vi } from "vitest";
import { decodeMessage, HTTP_KINDS } from "../ingest/decode.ts";
import { TraceStore } from "../store/trace-store.ts";
import { emptyFolder, jsonSpan, otlpJson } from "../testing.ts";
import { Traces } from "../traces.ts";
import { bodyOf } from "./bodies.ts";
import { Tee } from "./tee.ts";
import { TeeRoad } from "./tee-road.ts";

interface Seen {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

interface Backend extends AsyncDisposable {
  readonly url: string;
  readonly seen: Seen[];
}

type Answer = (response: ServerResponse) => void;
const well: Answer = (response) => response.writeHead(200).end();
const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(code, headers).end();
const close: Answer = (response) => response.destroy();
const nothing: Answer = () => undefined;

/** A real server that gives these answers in turn, and then the last one. */
async function backend(...answers: readonly [Answer, ...Answer[]]): Promise<Backend> {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.once("end", () => {
      const body = gunzipSync(Buffer.concat(chunks)).toString();
      seen.push({ path: request.url ?? "", headers: request.headers, body });
      (answers[seen.length - 1] ?? answers.at(-1))?.(response);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

const body = (text: string) =>
  ({
    signal: "traces",
    type: "application/x-protobuf",
    body: new Uint8Array(Buffer.from(text)),
  }) as const;
const QUICKLY = { backoffMs: 5, timeoutMs: 200 };

test("429, 503, a closed connection and no answer are tried again until the backend is well; order stays", async () => {
  await using server = await backend(status(429), status(503), close, nothing, well);
  await using tee = new Tee({ url: server.url, headers: { "x-key": "k" }, ...QUICKLY });
  tee.send(body("first"));
  tee.send({
    signal: "logs",
    type: "application/json",
    body: new Uint8Array(Buffer.from("second")),
  });
  await vi.waitUntil(() => tee.stats().sent === 2, { timeout: 10_000 });
  expect(server.seen.map((each) => each.body)).toEqual([...Array(5).fill("first"), "second"]);
  expect(server.seen.at(-1)).toMatchObject({
    path: "/v1/logs",
    headers: { "content-type": "application/json", "content-encoding": "gzip", "x-key": "k" },
  });
  expect(tee.stats()).toMatchObject({ retries: 4, dropped: {}, waiting: 0, waitingBytes: 0 });
  expect(tee.stats()).not.toHaveProperty("problem");
});

test("Retry-After says how long to wait", async () => {
  await using server = await backend(status(503, { "retry-after": "1" }), well);
  await using tee = new Tee({ url: `${server.url}/v1/traces`, ...QUICKLY });
  const before = performance.now();
  tee.send(body("a"));
  await vi.waitUntil(() => tee.stats().sent === 1, { timeout: 10_000 });
  expect(performance.now() - before).toBeGreaterThan(950);
  expect(server.seen.map(({ path }) => path)).toEqual(["/v1/traces", "/v1/traces"]);
});

test("what is refused for good is dropped and counted, and the next one goes", async () => {
  await using server = await backend(status(400), well);
  await using tee = new Tee({ url: server.url, ...QUICKLY });
  tee.send(body("bad"));
  tee.send(body("good"));
  await vi.waitUntil(() => tee.stats().sent === 1, { timeout: 10_000 });
  expect(tee.stats().dropped).toEqual({ refused: 1 });
});

test("a queue that is full drops what comes, counts it and says why; the end is not held up", async () => {
  await using server = await backend(nothing);
  const tee = new Tee({ url: server.url, queueBytesMax: 100, timeoutMs: 60_000 });
  for (let i = 0; i < 5; i++) tee.send(body("x".repeat(60)));
  expect(tee.stats().dropped).toEqual({ full: 4 });
  await tee[Symbol.asyncDispose]();
  expect(tee.stats()).toMatchObject({ sent: 0, dropped: { full: 4, closed: 1 }, waiting: 0 });
});

test("rows of calls go on as OTLP/JSON", async () => {
  await using server = await backend(well);
  await using tee = new Tee({ url: server.url, ...QUICKLY });
  const rows: Buffer[] = [];
  await using tracing = startTracing({
    service: "shop",
    node: "shop-1",
    sink: { push: (kind, bytes) => void (kind === CALLS_KIND && rows.push(Buffer.from(bytes))) },
  });
  const interceptors = [tracingInterceptor];
  const target = { add: (a: number, b: number) => a + b };
  await using calls = await serve(target, { name: "sums", interceptors });
  await using client = connect<typeof target>(calls.endpoint, { interceptors });
  await client.add(1, 2);
  await tracing.flush();
  await vi.waitUntil(() => rows.length > 0);
  for (const each of rows) tee.send(bodyOf({ kind: CALLS_KIND, body: each }));
  await vi.waitUntil(() => tee.stats().sent === rows.length, { timeout: 10_000 });
  const spans = server.seen.flatMap(({ path, headers, body: text }) => {
    expect([path, headers["content-type"]]).toEqual(["/v1/traces", "application/json"]);
    return decodeMessage({ kind: HTTP_KINDS.traces.json, body: Buffer.from(text) }).spans;
  });
  const of = (kind: number): (typeof spans)[number] | undefined =>
    spans.find((span) => span.kind === kind);
  expect(spans.map(({ service, name }) => `${service} ${name}`).toSorted()).toEqual([
    "shop add",
    "shop sums.add",
  ]);
  expect(of(2)?.parentId).toEqual(of(3)?.spanId);
});

test("what a store takes goes on as it came, whatever way it was packed", async () => {
  await using server = await backend(well);
  await using store = new TraceStore({
    data: emptyFolder(),
    retention: { ms: 3_600_000, bytes: 1e9 },
  });
  await using road = new TeeRoad(store, { url: server.url });
  const json = otlpJson([jsonSpan(1, 1)]);
  await store.add({ kind: "otlp-traces-json", encoding: "gzip", body: gzipSync(json) });
  await expect(store.add({ kind: "otlp-traces-json", body: Buffer.from("{") })).rejects.toThrow();
  await vi.waitUntil(async () => (await road.stats()).sent === 1, { timeout: 10_000 });
  expect(server.seen.map((each) => each.body)).toEqual([json]);
  const { tee } = await new Traces(store, { tee: () => road.stats() }).stats();
  expect(tee).toMatchObject({ sent: 1, dropped: {} });
});
