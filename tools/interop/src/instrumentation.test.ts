import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { zstdDecompressSync } from "node:zlib";
import { type Span, trace } from "@opentelemetry/api";
import { UndiciInstrumentation } from "@opentelemetry/instrumentation-undici";
import { connect, serve } from "@zeroplane/rpc";
import { inSpan, startTracing, tracingInterceptor, withTraceparent } from "@zeroplane/tracing";
import { expect, test } from "vitest";

const interceptors = [tracingInterceptor];

/** A span of the official SDK knows its parent. */
interface Made {
  readonly spanContext: ReturnType<Span["spanContext"]>;
  readonly parent: string | undefined;
}

/** In an order of their own. */
const sorted = (ids: readonly (string | undefined)[]): string[] =>
  ids.map(String).toSorted((a, b) => a.localeCompare(b));

const madeOf = (span: Span): Made => ({
  spanContext: span.spanContext(),
  parent: (span as Span & { parentSpanContext?: { spanId: string } }).parentSpanContext?.spanId,
});

/** An HTTP server that goes on in the trace that its requests name, and tells of it. */
async function httpServer(): Promise<
  AsyncDisposable & { url: string; seen: string[]; inner: Made[] }
> {
  const seen: string[] = [];
  const inner: Made[] = [];
  const server = createServer((request, response) => {
    const traceparent = request.headers["traceparent"] as string | undefined;
    seen.push(String(traceparent));
    const answer = async (): Promise<void> => {
      await inSpan("answer", {}, async (span) => void inner.push(madeOf(span)));
      response.end("ok");
    };
    void withTraceparent(traceparent, answer);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/stock`,
    seen,
    inner,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

test("spans of an instrumentation that knows nothing of us nest under calls, and ours under them", async () => {
  const fetched: Made[] = [];
  const sent: string[] = [];
  const instrumentation = new UndiciInstrumentation({
    requestHook: (span) => void fetched.push(madeOf(span)),
  });
  const push = (kind: string, body: Uint8Array): void => {
    if (kind.endsWith("zstd")) sent.push(zstdDecompressSync(body).toString("latin1"));
  };
  const tracing = startTracing({ service: "shop", node: "shop-1", sink: { push } });
  await using http = await httpServer();
  const handlers: (string | undefined)[] = [];
  const get = async (): Promise<string> => (await fetch(http.url)).text();
  const here = (): void => void handlers.push(trace.getActiveSpan()?.spanContext().spanId);
  const target = {
    plain: async () => (here(), get()),
    late: async () => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return here(), get();
    },
    within: () => inSpan("within", {}, async () => (here(), get())),
    items: async function* () {
      here();
      yield await get();
    },
  };
  await using server = await serve(target, { interceptors });
  await using client = connect<typeof target>(server.endpoint, { interceptors });
  const traceId = await inSpan("checkout", {}, async (span) => {
    expect(await Promise.all([client.plain(), client.late(), client.within()])).toEqual(
      Array.from({ length: 3 }, () => "ok"),
    );
    for await (const item of client.items()) expect(item).toBe("ok");
    return span.spanContext().traceId;
  });
  instrumentation.disable();
  await tracing[Symbol.asyncDispose]();

  expect(new Set(handlers).size).toBe(4);
  expect(sorted(fetched.map(({ parent }) => parent))).toEqual(sorted(handlers));
  const texts = fetched.map(({ spanContext: { spanId } }) => `00-${traceId}-${spanId}-01`);
  expect(sorted(http.seen)).toEqual(sorted(texts));
  expect(sorted(http.inner.map(({ parent }) => parent))).toEqual(
    sorted(fetched.map(({ spanContext }) => spanContext.spanId)),
  );
  const text = sent.join("");
  expect(text.match(/@opentelemetry\/instrumentation-undici/g)?.length).toBeGreaterThan(0);
  expect(text.match(/url\.full/g)).toHaveLength(4);
});

test("what is not recorded is not recorded by an instrumentation either", async () => {
  const made: Made[] = [];
  const instrumentation = new UndiciInstrumentation({
    requestHook: (span) => void made.push(madeOf(span)),
  });
  const kinds: string[] = [];
  const push = (kind: string): void => void kinds.push(kind);
  const tracing = startTracing({ service: "s", node: "n", sink: { push }, sampleRatio: 0 });
  await using http = await httpServer();
  const target = { plain: async () => (await fetch(http.url)).text() };
  await using server = await serve(target, { interceptors });
  await using client = connect<typeof target>(server.endpoint, { interceptors });
  expect(await client.plain()).toBe("ok");
  instrumentation.disable();
  await tracing[Symbol.asyncDispose]();
  expect(kinds).toEqual([]);
  expect(http.seen).toEqual([expect.stringMatching(/-00$/)]);
});
