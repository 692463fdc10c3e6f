import { zstdDecompressSync } from "node:zlib";
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { type Beginning, encode, TraceId, Traceparent } from "@zeroplane/link";
import { connect, currentCall, serve } from "@zeroplane/rpc";
import { afterEach, describe, expect, test } from "vitest";
import { CallExporter } from "./call-exporter.ts";
import { CallObserver } from "./call-observer.ts";
import { CALLS_KIND, type RecordedCall, type RowAttributes, readCallRows } from "./call-rows.ts";
import type { CallSpan } from "./call-span.ts";
import {
  inSpan,
  startTracing,
  type Tracing,
  type TracingOptions,
  tracingInterceptor,
} from "./index.ts";
import { OpenSpans } from "./open-spans.ts";
import { SPANS_KIND, SpanOutlet } from "./outlet.ts";

const interceptors = [tracingInterceptor];
const resource = resourceFromAttributes({ "service.name": "shop", "process.pid": 12_345 });
const parent = new Traceparent(new TraceId(1, -2, 3, -4), 5, -6, 1);

const server: Beginning = {
  side: "server",
  name: "shop.quote",
  peer: "caller-1",
  from: parent,
  atMs: 5.25,
};
const client: Beginning = {
  side: "client",
  name: "prices.ask",
  peer: "",
  from: undefined,
  atMs: 7,
};

/** The calls that an observer has seen: as rows that were read again, and those with additions. */
function recorded(make: (observer: CallObserver) => void): {
  calls: readonly RecordedCall[];
  resource: RowAttributes;
  full: ReadableSpan[];
  plain: CallSpan[];
} {
  const plain: CallSpan[] = [];
  const full: ReadableSpan[] = [];
  const sent: Buffer[] = [];
  const push = (kind: string, body: Uint8Array): void => {
    if (kind === CALLS_KIND) sent.push(body as Buffer);
  };
  const exporter = new CallExporter(new SpanOutlet({ push }), resource);
  const take = (span: CallSpan): void => {
    plain.push(span);
    exporter.add(span);
  };
  const sink = {
    plain: take,
    full: (span: ReadableSpan): void => void full.push(span),
    awaitedLate: (span: CallSpan): void => exporter.correct(span),
  };
  const clock = { queuedMs: () => 1.25, lagMs: 10 };
  const open = new OpenSpans();
  make(new CallObserver({ resource, sampleRatio: 1, here: () => undefined, sink, clock, open }));
  expect(open.count).toBe(0);
  exporter.flush();
  const batches = sent.map(readCallRows);
  const [first = { resource: {} }] = batches;
  return { calls: batches.flatMap(({ calls }) => calls), resource: first.resource, full, plain };
}

describe("spans of calls", () => {
  test("say as rows what the SDK would say of the same spans", () => {
    const {
      calls,
      resource: of,
      plain,
    } = recorded((observer) => {
      observer.begin(server).ended();
      observer.begin(client).ended();
    });
    const { full } = recorded((observer) => {
      for (const call of [server, client]) {
        const span = observer.begin(call);
        (span as CallSpan).updateName(call.name);
        span.ended();
      }
    });
    expect(of).toEqual(resource.attributes);
    expect(calls).toHaveLength(2);
    for (const [i, call] of calls.entries()) {
      const { name, kind, attributes, parentSpanContext } = full[i] as ReadableSpan;
      const { place, startMs, endMs } = plain[i] as CallSpan;
      expect(call).toEqual({
        traceId: Buffer.from(place.traceId, "hex"),
        spanId: Buffer.from(place.spanId, "hex"),
        parentId: parentSpanContext && Buffer.from(parentSpanContext.spanId, "hex"),
        name,
        kind: kind + 1,
        attributes,
        startUs: Math.round(startMs * 1_000),
        endUs: Math.round(endMs * 1_000),
        flags: 1,
      });
    }
    expect(full.map(({ kind }) => kind)).toEqual([SpanKind.SERVER, SpanKind.CLIENT]);
  });

  test("of more calls than fit go in several batches, of any number of methods", () => {
    const { calls } = recorded((observer) => {
      for (let i = 0; i < 10_000; i++) {
        observer.begin({ ...server, name: `shop.m${i % 300}`, atMs: i }).ended();
      }
    });
    expect(calls.map(({ name }) => name)).toEqual(
      Array.from({ length: 10_000 }, (_, i) => `shop.m${i % 300}`),
    );
    expect(new Set(calls.map(({ spanId }) => spanId.toString("hex"))).size).toBe(10_000);
  });

  test.each([
    ["nothing", Buffer.alloc(0)],
    ["a head longer than the message", Buffer.from([9, 0, 0, 0, 0x80])],
    ["no msgpack", Buffer.from([1, 0, 0, 0, 0xc1])],
    ["a head of nothing", Buffer.from([1, 0, 0, 0, 0x80])],
    ["half a row", Buffer.concat([headOf({ resource: {}, descriptors: [] }), Buffer.alloc(28)])],
    [
      "a row without descriptor",
      Buffer.concat([headOf({ resource: {}, descriptors: [] }), Buffer.alloc(56)]),
    ],
    [
      "no time",
      Buffer.concat([
        headOf({ resource: {}, descriptors: [{ name: "a", kind: 2, attributes: {} }] }),
        Buffer.alloc(56, 0xff).fill(0, 48),
      ]),
    ],
  ])("are not read from %s", (_what, bytes) => {
    expect(() => readCallRows(bytes)).toThrow();
  });

  test("take what is added to them, up to a limit that is counted", () => {
    const { full } = recorded((observer) => {
      const span = observer.begin(server) as CallSpan;
      for (let i = 0; i < 200; i++) {
        span.setAttribute(`k${i}`, i).addEvent("e", { i }).addLink({ context: span.spanContext() });
      }
      span.recordException(new Error("boom"));
      span.setStatus({ code: SpanStatusCode.OK });
      span.ended();
      span.setAttribute("late", true);
      span.ended();
    });
    expect(full).toHaveLength(1);
    const [span] = full as [ReadableSpan];
    // Two of our own, zp.queue_ns and zp.lag_ns, come on top.
    expect(Object.keys(span.attributes)).toHaveLength(128 + 2);
    expect([span.events.length, span.links.length]).toEqual([128, 128]);
    expect([span.droppedAttributesCount, span.droppedEventsCount, span.droppedLinksCount]).toEqual([
      75, 73, 72,
    ]);
    expect(span.parentSpanContext).toMatchObject({ traceId: parent.traceId, isRemote: true });
  });
});

function headOf(head: unknown): Buffer {
  const body = encode(head);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(body.length);
  return Buffer.concat([length, body]);
}

describe("calls that are traced", () => {
  const pushed: Buffer[] = [];
  let current: Tracing | undefined;
  const start = (options: Partial<TracingOptions> = {}): Tracing => {
    const push = (kind: string, body: Uint8Array): void => {
      if (kind === SPANS_KIND) pushed.push(zstdDecompressSync(body));
    };
    current = startTracing({ service: "s", node: "n", sink: { push }, ...options });
    return current;
  };
  afterEach(async () => {
    await current?.[Symbol.asyncDispose]();
    pushed.splice(0);
  });

  const target = {
    ids: () => {
      const span = trace.getActiveSpan();
      return { span: span?.spanContext().spanId, caller: currentCall()?.headers["traceparent"] };
    },
    nested: async () => {
      const outer = trace.getActiveSpan()?.spanContext();
      const inner = await inSpan("inside", {}, async () => trace.getActiveSpan()?.spanContext());
      await Promise.resolve();
      return { outer, inner, after: trace.getActiveSpan()?.spanContext() };
    },
    rename: () => void trace.getActiveSpan()?.setAttribute("shop.items", 3),
    fail: () => {
      throw new TypeError("no");
    },
  };

  test("see their own span, and the caller's place as a header", async () => {
    start();
    await using server = await serve(target, { interceptors });
    await using client = connect<typeof target>(server.endpoint, { interceptors });
    const { span, caller } = await client.ids();
    expect(caller).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    expect(caller).not.toContain(span);
    const { outer, inner, after } = await client.nested();
    expect(inner?.traceId).toBe(outer?.traceId);
    expect(inner?.spanId).not.toBe(outer?.spanId);
    expect(after).toEqual(outer);
  });

  test("are told apart from the context in which their server was started", async () => {
    start();
    await inSpan("start-up", {}, async () => {
      const outside = trace.getActiveSpan()?.spanContext().traceId;
      await using server = await serve(target, { interceptors });
      await using client = connect<typeof target>(server.endpoint, { interceptors });
      const inSame = await client.nested();
      expect(inSame.outer?.traceId).toBe(outside);
      const other = await context.with(trace.deleteSpan(context.active()), () => client.nested());
      expect(other.outer?.traceId).not.toBe(outside);
    });
  });

  test("are exported with what was added, and with their errors", async () => {
    const tracing = start();
    await using server = await serve(target, { interceptors });
    await using client = connect<typeof target>(server.endpoint, { interceptors });
    await client.rename();
    await expect(client.fail()).rejects.toThrow("no");
    await client.ids();
    await expect.poll(async () => (await tracing.flush(), tracing.stats().exported)).toBe(6);
    const text = Buffer.concat(pushed).toString("latin1");
    for (const word of ["shop.items", "TypeError", "exception.stacktrace", "zp.error.origin"]) {
      expect(text).toContain(word);
    }
  });

  test("that are not recorded have ids of their own as soon as somebody asks", async () => {
    const tracing = start({ sampleRatio: 0 });
    await using server = await serve(target, { interceptors });
    await using client = connect<typeof target>(server.endpoint, { interceptors });
    const { outer, inner, after } = await client.nested();
    expect(outer).toMatchObject({ traceFlags: 0, traceId: expect.stringMatching(/^(?!0+$)/) });
    expect(inner).toMatchObject({ traceFlags: 0, traceId: outer?.traceId });
    expect(after).toEqual(outer);
    const { outer: other } = await client.nested();
    expect(other?.traceId).not.toBe(outer?.traceId);
    await tracing.flush();
    expect(tracing.stats().exported).toBe(0);
  });

  test("are not recorded below one that is not, whatever the share of a process", async () => {
    const places: (string | undefined)[] = [];
    const last = { place: () => void places.push(currentCall()?.headers["traceparent"]) };
    await using behind = await serve(last, { interceptors });
    await using onwards = connect<typeof last>(behind.endpoint, { interceptors });
    await using server = await serve({ pass: () => onwards.place() }, { interceptors });
    await using client = connect<{ pass(): void }>(server.endpoint, { interceptors });
    const tracing = start({ sampleRatio: 0.5 });
    for (let i = 0; i < 64; i++) await client.pass();
    const recordedCalls = places.filter((place) => place?.endsWith("-01")).length;
    expect(recordedCalls).toBeGreaterThan(8);
    expect(recordedCalls).toBeLessThan(56);
    await tracing.flush();
    expect(tracing.stats().exported).toBe(4 * recordedCalls);
  });

  test("are recorded on both sides or on none when a share is sampled", async () => {
    const tracing = start({ sampleRatio: 0.25 });
    await using server = await serve(target, { interceptors });
    await using client = connect<typeof target>(server.endpoint, { interceptors });
    const seen = await Promise.all(Array.from({ length: 400 }, () => client.ids()));
    const sampled = seen.filter(({ caller }) => caller?.endsWith("-01")).length;
    expect(sampled).toBeGreaterThan(50);
    expect(sampled).toBeLessThan(200);
    await expect
      .poll(async () => (await tracing.flush(), tracing.stats().exported))
      .toBe(2 * sampled);
  });
});
