import { promisify } from "node:util";
import { gzip, gzipSync, zstdCompressSync } from "node:zlib";
import { SpanStatusCode } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { LOST, NONE, readSkeleton } from "@zeroplane/tracing/model";
import { expect, test } from "vitest";
import type {
  Comparison,
  ErrorGroup,
  LiveSpans,
  LogPage,
  OperationRow,
  SearchPage,
  ServiceMap,
  SpanDetails,
} from "../api.ts";
import { TraceStore } from "../store/trace-store.ts";
import { emptyFolder, idOf, jsonSpan, otlpJson } from "../testing.ts";
import type { Trace } from "../trace.ts";
import { Traces } from "../traces.ts";
import { TraceServer } from "./trace-server.ts";

interface Started extends AsyncDisposable {
  readonly url: string;
  readonly store: TraceStore;
  get<T>(path: string): Promise<T>;
  post(
    body: string | Uint8Array,
    headers?: Record<string, string>,
    path?: string,
  ): Promise<Response>;
}

const JSON_TYPE = { "content-type": "application/json" };
const PROTOBUF_TYPE = { "content-type": "application/x-protobuf" };

async function start(options: { queueBytesMax?: number } = {}): Promise<Started> {
  const store = new TraceStore({
    ...options,
    data: emptyFolder(),
    retention: { ms: 3_600_000, bytes: 1e9 },
  });
  const server = new TraceServer(store, new Traces(store));
  const url = `http://127.0.0.1:${await server.listen(0, "127.0.0.1")}`;
  return {
    url,
    store,
    get: async (path) => (await (await fetch(`${url}${path}`)).json()) as never,
    post: (body, headers = JSON_TYPE, path = "/v1/traces") =>
      fetch(`${url}${path}`, { method: "POST", body: body as string, headers }),
    [Symbol.asyncDispose]: async () => {
      await server[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}

test("the official SDK's exporter is understood, and what it sent is found by every filter", async () => {
  await using collector = await start();
  const exporter = new OTLPTraceExporter({ url: `${collector.url}/v1/traces` });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({ "service.name": "checkout" }),
    spanProcessors: [new SimpleSpanProcessor({ exporter })],
  });
  const span = provider
    .getTracer("test")
    .startSpan("pay", { attributes: { "shop.id": "s-7", n: 3 } });
  span.recordException(new TypeError("no card"));
  span.setStatus({ code: SpanStatusCode.ERROR, message: "no card" });
  span.end();
  await provider.forceFlush();
  await provider.shutdown();
  const { traceId } = span.spanContext();
  const found = async (query: string): Promise<string[]> =>
    (await collector.get<SearchPage>(`/api/search?${query}`)).rows.map((row) => row.traceId);
  for (const hit of [
    "",
    "service=checkout",
    "operation=pay",
    "attribute=shop.id%3Ds-7",
    "attribute=n%3D3",
    "error=true",
    "text=NO+card",
    "text=checkout",
    "of=spans&service=checkout&error=true&attribute=n%3D3",
  ]) {
    expect([hit, await found(hit)]).toEqual([hit, [traceId]]);
  }
  for (const miss of [
    "service=other",
    "operation=payy",
    "attribute=shop.id%3Ds-8",
    "error=false",
    "text=nothing",
    "minMs=60000",
    "toMs=1",
  ]) {
    expect([miss, await found(miss)]).toEqual([miss, []]);
  }
  const otlp = await collector.get<{
    resourceSpans: { scopeSpans: { spans: { name: string; events: unknown[] }[] }[] }[];
  }>(`/api/traces/${traceId}`);
  expect(otlp.resourceSpans[0]?.scopeSpans[0]?.spans[0]).toMatchObject({
    name: "pay",
    traceId,
    status: { code: 2 },
  });
  expect(otlp.resourceSpans[0]?.scopeSpans[0]?.spans[0]?.events).toHaveLength(1);
  const [group] = await collector.get<ErrorGroup[]>("/api/errors");
  expect(group).toMatchObject({
    type: "TypeError",
    message: "no card",
    service: "checkout",
    count: 1,
    exemplar: traceId,
  });
  expect(group?.frames[0]).toMatch(/^at .*trace-server\.test\.ts\)?$/);
});

test("JSON and protobuf, plain, gzip and zstd; what is exported can be imported", async () => {
  await using collector = await start();
  const body = (n: number): string => otlpJson([jsonSpan(n, n)]);
  expect((await collector.post(body(1))).status).toBe(200);
  expect(
    (
      await collector.post(await promisify(gzip)(body(2)), {
        ...JSON_TYPE,
        "content-encoding": "gzip",
      })
    ).status,
  ).toBe(200);
  expect(
    (await collector.post(zstdCompressSync(body(3)), { ...JSON_TYPE, "content-encoding": "zstd" }))
      .status,
  ).toBe(200);
  await using other = await start();
  for (const n of [1, 2, 3]) {
    const text = await (await fetch(`${collector.url}/api/traces/${idOf(n, 16)}`)).text();
    expect((await other.post(text)).status).toBe(200);
    expect(await (await fetch(`${other.url}/api/traces/${idOf(n, 16)}`)).text()).toBe(text);
  }
});

test("a hand-made protobuf body is stored; its malformed kin are refused with what is wrong", async () => {
  await using collector = await start();
  const field = (number: number, bytes: Buffer): Buffer =>
    Buffer.concat([Buffer.from([(number << 3) | 2, bytes.length]), bytes]);
  const time = (number: number, ms: number): Buffer => {
    const bytes = Buffer.alloc(9);
    bytes[0] = (number << 3) | 1;
    bytes.writeBigUInt64LE(BigInt(ms) * 1_000_000n, 1);
    return bytes;
  };
  const span = Buffer.concat([
    field(1, Buffer.alloc(16, 7)),
    field(2, Buffer.alloc(8, 9)),
    field(5, Buffer.from("hand-made")),
    time(7, Date.now()),
    time(8, Date.now() + 1),
  ]);
  const body = field(1, field(2, field(2, span)));
  const taken = await collector.post(body, PROTOBUF_TYPE);
  expect([taken.status, (await taken.arrayBuffer()).byteLength]).toEqual([200, 0]);
  expect((await collector.get<SearchPage>("/api/search?operation=hand-made")).totals).toEqual({
    spans: 1,
    traces: 1,
  });
  const broken = await collector.post(body.subarray(0, 20), PROTOBUF_TYPE);
  expect([broken.status, broken.headers.get("content-type")]).toEqual([
    400,
    "application/x-protobuf",
  ]);
  expect(Buffer.from(await broken.arrayBuffer()).toString()).toMatch(
    /not protobuf: a field is longer than the message/,
  );
  for (const [text, detail] of [
    ["{", /not OTLP JSON/],
    ["[]", /the body is no object/],
    ['{"resourceSpans":1}', /resourceSpans is no array/],
    [
      otlpJson([{ ...jsonSpan(1, 1), startTimeUnixNano: "soon" }]),
      /spans\[0\]\.startTimeUnixNano is no number/,
    ],
  ] as const) {
    const refused = await collector.post(text);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({
      status: 400,
      code: "ERR_OTLP",
      detail: expect.stringMatching(detail),
    });
  }
  expect((await collector.post("x", { "content-type": "text/plain" })).status).toBe(415);
  expect((await collector.post("x", { ...JSON_TYPE, "content-encoding": "br" })).status).toBe(415);
  expect((await collector.store.stats()).refused).toEqual({ otlp: 5 });
});

test("a body too long, as it comes or unpacked, is refused", { timeout: 30_000 }, async () => {
  await using collector = await start();
  expect((await collector.post(Buffer.alloc(17 * 1024 * 1024))).status).toBe(413);
  const bomb = gzipSync(Buffer.alloc(65 * 1024 * 1024), { level: 1 });
  expect((await collector.post(bomb, { ...JSON_TYPE, "content-encoding": "gzip" })).status).toBe(
    413,
  );
  expect((await collector.store.stats()).refused).toEqual({ large: 1 });
});

test("spans from the future, of long ago and without ids are a partial success, and counted", async () => {
  await using collector = await start();
  const spans = [
    jsonSpan(1, 1),
    jsonSpan(1, 2, {}, -86_400_000),
    jsonSpan(1, 3, {}, 86_400_000),
    { ...jsonSpan(1, 4), traceId: "12" },
  ];
  const answer = (await (await collector.post(otlpJson(spans))).json()) as {
    partialSuccess: { rejectedSpans: number; errorMessage: string };
  };
  expect(answer.partialSuccess.rejectedSpans).toBe(3);
  expect(answer.partialSuccess.errorMessage).toMatch(/ten minutes ahead/);
  expect((await collector.store.stats()).refused).toEqual({ ids: 1, future: 1, old: 1 });
});

test("429 with Retry-After when too much waits", async () => {
  await using collector = await start({ queueBytesMax: 10_000 });
  const refused = await collector.post(Buffer.alloc(10_001, " "));
  expect([refused.status, refused.headers.get("retry-after")]).toEqual([429, "1"]);
  expect(await refused.json()).toMatchObject({ code: "ERR_BUSY" });
  expect((await collector.post(otlpJson([jsonSpan(1, 1)]))).status).toBe(200);
  expect(await collector.store.stats()).toMatchObject({ busy: 1, spans: 1, queueBytes: 0 });
});

test("logs are kept with their trace", async () => {
  await using collector = await start();
  await collector.post(otlpJson([jsonSpan(1, 1)]));
  const record = {
    traceId: idOf(1, 16),
    spanId: idOf(1, 8),
    timeUnixNano: `${Date.now()}000000`,
    severityNumber: 9,
    body: { stringValue: "hello" },
  };
  const body = JSON.stringify({
    resourceLogs: [{ scopeLogs: [{ logRecords: [record, record, { ...record, traceId: "" }] }] }],
  });
  const answer = await (await collector.post(body, JSON_TYPE, "/v1/logs")).json();
  expect(answer).toMatchObject({ partialSuccess: { rejectedLogRecords: 1 } });
  const { logs } = await collector.get<Trace>(`/api/traces/${idOf(1, 16)}?format=view`);
  expect(logs).toMatchObject([{ body: "hello", spanId: idOf(1, 8), severity: 9 }]);
  const page = await collector.get<LogPage>(`/api/traces/${idOf(1, 16)}/logs`);
  expect(page).toEqual({ logs, isCut: false });
});

test("a skeleton has the shape of a trace, and the rest is told of the spans that are asked for", async () => {
  await using collector = await start();
  const attributes = [
    { key: "zp.await_ns", value: { intValue: "2000000" } },
    { key: "shelf", value: { stringValue: "Top Left" } },
  ];
  await collector.post(
    otlpJson([
      jsonSpan(1, 2, { parentSpanId: idOf(1, 8), name: "below", attributes }, 900),
      jsonSpan(1, 3, { parentSpanId: idOf(9, 8), status: { code: 2, message: "no" } }, 800),
    ]),
  );
  await collector.post(otlpJson([jsonSpan(1, 1, {}, 5_000)], "front"));
  const path = `/api/traces/${idOf(1, 16)}`;
  const packed = await fetch(`${collector.url}${path}?format=skeleton`);
  const skeleton = readSkeleton(await packed.arrayBuffer());
  expect([...skeleton.parents]).toEqual([NONE, 0, LOST]);
  expect(Buffer.from(skeleton.ids).toString("hex")).toBe([1, 2, 3].map((n) => idOf(n, 8)).join(""));
  expect(skeleton.startMs[0]).toBe(0);
  expect([...skeleton.startMs]).toEqual([...skeleton.startMs].toSorted((a, b) => a - b));
  expect([...skeleton.endMs].map((ms, at) => ms - (skeleton.startMs[at] ?? 0))).toEqual([5, 5, 5]);
  expect([...skeleton.awaitMs]).toEqual([Number.NaN, 2, Number.NaN]);
  const named = [...skeleton.operation].map((at) => skeleton.operations[at]);
  expect(named.map((each) => `${each?.service} ${each?.name}`)).toEqual([
    "front work",
    "shop below",
    "shop work",
  ]);
  expect(skeleton.failures).toEqual([{ at: 2, message: "no", isForeign: false }]);
  const details = await collector.get<Record<string, SpanDetails>>(
    `${path}/details?spans=${idOf(2, 8)},${idOf(7, 8)}`,
  );
  expect(Object.keys(details)).toEqual([idOf(2, 8)]);
  expect(details[idOf(2, 8)]?.attributes).toMatchObject({ shelf: "Top Left" });
  expect(await collector.get(`${path}/find?text=top+left`)).toEqual([idOf(2, 8)]);
  expect((await fetch(`${collector.url}${path}/details?spans=x`)).status).toBe(400);
  const none = await fetch(`${collector.url}/api/traces/${idOf(5, 16)}?format=skeleton`);
  expect(none.status).toBe(404);
});

test("pages follow each other over the whole range without a gap or a repeat, and say how many there are", async () => {
  await using collector = await start();
  const spans = Array.from({ length: 50 }, (_, n) =>
    jsonSpan(1 + (n % 25), n + 1, { endTimeUnixNano: `${Date.now() + ((n * 7) % 50)}000000` }),
  );
  await collector.post(otlpJson(spans));
  // With a service that all of them have they are found in another way.
  const ways = ["", "&service=shop", "&totals=false"];
  for (const [of, way] of ["spans", "traces"].flatMap((each) => ways.map((w) => [each, w]))) {
    for (const sort of ["start", "duration"]) {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await collector.get<SearchPage>(
          `/api/search?of=${of}&sort=${sort}&limit=7${way}${cursor ? `&cursor=${cursor}` : ""}`,
        );
        const totals = way === "&totals=false" ? undefined : { spans: 50, traces: 25 };
        expect(page.totals).toEqual(totals);
        seen.push(...page.rows.map((row) => (of === "spans" ? row.spanId : row.traceId)));
        const keys = page.rows.map((row) => (sort === "start" ? row.startMs : row.durationMs));
        expect(keys).toEqual(keys.toSorted((a, b) => b - a));
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect([of, sort, seen.length, new Set(seen).size]).toEqual([
        of,
        sort,
        of === "spans" ? 50 : 25,
        of === "spans" ? 50 : 25,
      ]);
    }
  }
  expect((await fetch(`${collector.url}/api/search?cursor=zzz`)).status).toBe(400);
  expect(await collector.get("/api/search?limit=0&minMs=x")).toMatchObject({
    code: "ERR_QUERY",
    detail: expect.stringMatching(/limit.*minMs|minMs.*limit/),
  });
});

test("operations, map, errors by root hop, compare and live tell of the same traces", async () => {
  await using collector = await start();
  const events = await fetch(`${collector.url}/api/live?service=store`);
  const reader = (events.body as ReadableStream<Uint8Array>).getReader();
  const baseMs = Date.now() - 2_000;
  const at = (ms: number): string => `${baseMs + ms}000000`;
  const failed = {
    status: { code: 2, message: "full" },
    attributes: [{ key: "error.type", value: { stringValue: "QuotaError" } }],
  };
  await collector.post(
    otlpJson(
      [
        {
          ...jsonSpan(1, 1),
          name: "deploy",
          startTimeUnixNano: at(0),
          endTimeUnixNano: at(100),
          ...failed,
        },
      ],
      "api",
    ),
  );
  const below = {
    ...jsonSpan(1, 2),
    parentSpanId: idOf(1, 8),
    name: "reserve",
    startTimeUnixNano: at(10),
    endTimeUnixNano: at(40),
    ...failed,
  };
  await collector.post(otlpJson([below], "store"));
  const job = {
    ...jsonSpan(2, 3),
    kind: 5,
    name: "mail",
    links: [{ traceId: idOf(1, 16), spanId: idOf(1, 8) }],
    attributes: [{ key: "zp.missed", value: { intValue: "3" } }],
  };
  await collector.post(otlpJson([job], "mailer"));
  await collector.post(otlpJson([{ ...job, spanId: idOf(4, 8) }], "mailer"));
  const { edges } = await collector.get<ServiceMap>("/api/map");
  expect(edges).toContainEqual(
    expect.objectContaining({
      from: "api",
      to: "store",
      kind: "call",
      count: 1,
      errors: 1,
      missed: 0,
    }),
  );
  expect(edges).toContainEqual(
    expect.objectContaining({ from: "api", to: "mailer", kind: "feed", count: 2, missed: 6 }),
  );
  expect(await collector.get<ErrorGroup[]>("/api/errors")).toMatchObject([
    { type: "QuotaError", service: "store", observers: ["api"], traces: 1 },
  ]);
  const operations = await collector.get<OperationRow[]>("/api/operations");
  const reserve = operations.find(({ operation }) => operation === "reserve");
  expect(reserve).toMatchObject({
    service: "store",
    kind: "server",
    count: 1,
    errors: 1,
    exemplars: { error: idOf(1, 16) },
  });
  expect(Math.abs((reserve?.p50Ms ?? 0) - 30)).toBeLessThan(30 * 0.023);
  const view = (): Promise<Trace> => collector.get<Trace>(`/api/traces/${idOf(1, 16)}?format=view`);
  expect((await view()).criticalPath.map(({ spanId }) => spanId)).toEqual(
    [1, 2, 1].map((n) => idOf(n, 8)),
  );
  // The self time of `deploy` is corrected once the trace is quiet.
  await expect
    .poll(async () => (await view()).spans[0]?.selfMs, { timeout: 12_000 })
    .toBeCloseTo(70, 0);
  const compared = await collector.get<Comparison>(
    `/api/compare?a=${idOf(1, 16)}&b=${idOf(2, 16)}`,
  );
  expect(compared.operations[0]).toMatchObject({
    operation: "deploy",
    a: { spans: 1 },
    b: { spans: 0 },
  });
  const { value } = await reader.read();
  const { spans } = JSON.parse(
    (
      Buffer.from(value ?? [])
        .toString()
        .split("\n\n")[0] ?? ""
    ).slice("data: ".length),
  ) as LiveSpans;
  await reader.cancel();
  expect(spans.every(({ service }) => service === "store")).toBe(true);
  for (const format of ["perfetto", "speedscope"])
    expect(
      Object.keys(await collector.get(`/api/traces/${idOf(1, 16)}?format=${format}`)).length,
    ).toBeGreaterThan(1);
  expect(
    await (await fetch(`${collector.url}/api/traces/${idOf(1, 16)}?format=html`)).text(),
  ).toContain("<i>reserve</i>");
});

test("a trace of cycles, of duplicates and of huge attributes is bounded and readable", async () => {
  await using collector = await start();
  const ring = [1, 2, 3].map((n) => jsonSpan(1, n, { parentSpanId: idOf((n % 3) + 1, 8) }));
  const huge = jsonSpan(1, 4, {
    attributes: [
      { key: "big", value: { stringValue: "x".repeat(10_000_000) } },
      { key: "small", value: { intValue: "1" } },
    ],
  });
  await collector.post(
    otlpJson([...ring, ...ring, { ...jsonSpan(1, 5), parentSpanId: idOf(5, 8) }, huge]),
  );
  const trace = await collector.get<Trace>(`/api/traces/${idOf(1, 16)}?format=view`);
  expect(trace.spans).toHaveLength(5);
  const big = trace.spans.find(({ spanId }) => spanId === idOf(4, 8));
  expect(big?.attributes).toMatchObject({ small: 1, "zp.cut": true });
  expect(String(big?.attributes["big"]).length).toBe(8_192);
  expect(await collector.store.stats()).toMatchObject({ spans: 5, duplicates: 3, cut: 1 });
  expect((await fetch(`${collector.url}/api/traces/${idOf(1, 16)}?format=html`)).status).toBe(200);
  expect((await fetch(`${collector.url}/api/traces/${idOf(9, 16)}`)).status).toBe(404);
});
