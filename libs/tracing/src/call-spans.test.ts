import { zstdDecompressSync } from "node:zlib";
import { context, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { type Beginning, TraceId, Traceparent } from "@zeroplane/link";
import { connect, currentCall, serve } from "@zeroplane/rpc";
import { afterEach, describe, expect, test } from "vitest";
import { CallExporter } from "./call-exporter.ts";
import { CallObserver } from "./call-observer.ts";
import type { CallSpan } from "./call-span.ts";
import {
  inSpan,
  startTracing,
  type Tracing,
  type TracingOptions,
  tracingInterceptor,
} from "./index.ts";
import { SpanOutlet } from "./outlet.ts";

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

/** The spans that an observer has made, as the SDK's own serializer writes them, and as ours does. */
function recorded(make: (observer: CallObserver) => void): {
  ours: Buffer;
  full: ReadableSpan[];
  plain: CallSpan[];
} {
  const plain: CallSpan[] = [];
  const full: ReadableSpan[] = [];
  const sent: Buffer[] = [];
  const outlet = new SpanOutlet({ push: () => undefined });
  outlet.send = ({ encode }): void => void sent.push(encode() as Buffer);
  const exporter = new CallExporter(outlet, resource);
  make(
    new CallObserver({
      resource,
      sampleRatio: 1,
      sink: {
        plain: (span) => {
          plain.push(span);
          exporter.add(span);
        },
        full: (span) => void full.push(span),
      },
    }),
  );
  exporter.flush();
  return { ours: Buffer.concat(sent), full, plain };
}

describe("spans of calls", () => {
  test("are the bytes that the SDK's serializer makes of the same span", () => {
    const { ours, plain } = recorded((observer) => {
      observer.begin(server).ended();
      observer.begin(client).ended();
    });
    const { full } = recorded((observer) => {
      // Something added and taken back: the same span by the other road.
      for (const call of [server, client]) {
        const span = observer.begin(call);
        (span as CallSpan).updateName(call.name);
        span.ended();
      }
    });
    const same = full.map((span, i) => {
      const { place, startMs, endMs } = plain[i] as CallSpan;
      const { traceId, spanId } = place;
      const nanos = (ms: number): [number, number] => {
        const us = Math.round(ms * 1_000);
        return [Math.floor(us / 1e6), (us % 1e6) * 1_000];
      };
      const times = { startTime: nanos(startMs), endTime: nanos(endMs) };
      return { ...span, ...times, spanContext: () => ({ traceId, spanId, traceFlags: 1 }) };
    });
    const theirs = ProtobufTraceSerializer.serializeRequest(same) as Uint8Array;
    expect(sorted(ours)).toEqual(sorted(theirs));
    expect(full.map(({ kind }) => kind)).toEqual([SpanKind.SERVER, SpanKind.CLIENT]);
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
    expect(Object.keys(span.attributes)).toHaveLength(128);
    expect([span.events.length, span.links.length]).toEqual([128, 128]);
    expect([span.droppedAttributesCount, span.droppedEventsCount, span.droppedLinksCount]).toEqual([
      75, 73, 72,
    ]);
    expect(span.parentSpanContext).toMatchObject({ traceId: parent.traceId, isRemote: true });
  });
});

/** The fields of an OTLP request, down to those of its spans, without zeros and in an order of their own. */
function sorted(bytes: Uint8Array, depth = 0): string[] {
  const fields: string[] = [];
  let at = 0;
  const number = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = number();
    const wire = tag & 7;
    if (wire === 0) fields.push(`${tag}:${number()}`);
    else {
      const length = wire === 2 ? number() : wire === 1 ? 8 : 4;
      const body = bytes.subarray(at, at + length);
      at += length;
      const isNested = wire === 2 && (depth < 2 || (depth === 2 && tag === 0x12));
      const text = isNested ? sorted(body, depth + 1).join() : Buffer.from(body).toString("hex");
      fields.push(`${tag}:${text}`);
    }
  }
  // A status that is not set is written as an empty message, or not at all.
  return fields.filter((each) => !each.endsWith(":0") && each !== "122:1800").sort();
}

describe("calls that are traced", () => {
  const pushed: Buffer[] = [];
  let current: Tracing | undefined;
  const start = (options: Partial<TracingOptions> = {}): Tracing => {
    const push = (_kind: string, body: Uint8Array): void =>
      void pushed.push(zstdDecompressSync(body));
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
