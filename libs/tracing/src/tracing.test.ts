import { trace } from "@opentelemetry/api";
import { type Interceptor, listen } from "@zeroplane/link";
import {
  collectPipe,
  follow,
  openFeed,
  openPipe,
  openQueue,
  openState,
  startWorker,
  viewState,
} from "@zeroplane/patterns";
import { connect, serve } from "@zeroplane/rpc";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  currentIds,
  currentTraceparent,
  inSpan,
  SPANS_KIND,
  startTracing,
  type Tracing,
  tracingInterceptor,
  withTraceparent,
} from "./index.ts";

interface Seen {
  readonly kind: string;
  readonly bytes: number;
}

let tracing: Tracing;
const batches: Seen[] = [];
const interceptors = [tracingInterceptor];
const traceOf = (): string | undefined => trace.getActiveSpan()?.spanContext().traceId;

beforeAll(() => {
  const push = (kind: string, body: Uint8Array): void =>
    void batches.push({ kind, bytes: body.length });
  tracing = startTracing({ service: "test", node: "test-1", sink: { push } });
});
afterAll(() => tracing[Symbol.asyncDispose]());
beforeEach(() => void batches.splice(0));

test("a call goes on in the caller's trace, with a span on each side", async () => {
  const target = { where: () => ({ ...currentIds() }) };
  await using server = await serve(target, { interceptors });
  await using client = connect<typeof target>(server.endpoint, { interceptors });
  const { here, there } = await inSpan("test", {}, async (span) => {
    const { traceId, spanId } = span.spanContext();
    return { here: { traceId, spanId }, there: await client.where() };
  });
  expect(there.trace_id).toBe(here.traceId);
  expect(there.span_id).not.toBe(here.spanId);
});

test("a stream's generator runs in the caller's trace, at every step", async () => {
  const target = {
    async *steps(): AsyncGenerator<string | undefined> {
      yield traceOf();
      await new Promise((resolve) => setTimeout(resolve, 5));
      yield traceOf();
    },
  };
  await using server = await serve(target, { interceptors });
  await using client = connect<typeof target>(server.endpoint, { interceptors });
  await inSpan("test", {}, async () => {
    const here = traceOf();
    expect(await Array.fromAsync(client.steps())).toEqual([here, here]);
  });
});

test("a job goes on in the trace of whoever added it", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using queue = openQueue<number, string>("traced", listener, { interceptors });
  await using _worker = startWorker<number, string>(
    listener.endpoint,
    "traced",
    async () => traceOf() ?? "none",
    { interceptors },
  );
  await inSpan("test", {}, async () => {
    const { id } = await queue.add(1);
    await expect.poll(() => queue.get(id)?.state).toBe("done");
    expect(queue.get(id)?.result).toBe(traceOf());
  });
});

test("a change of state is applied in the trace that made it", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using state = openState<number>("traced", listener, { interceptors });
  const applied: (string | undefined)[] = [];
  await using view = viewState<number>(listener.endpoint, "traced", {
    interceptors,
    apply: () => void applied.push(traceOf()),
  });
  await view.ready(3_000);
  await inSpan("test", {}, async () => {
    await state.seen(state.set("k", 1), { timeoutMs: 3_000 });
    expect(applied.at(-1)).toBe(traceOf());
  });
});

test("a feed's follower has a trace of its own, linked to the publisher's", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using feed = await openFeed<number>("traced", listener, { interceptors });
  const seen: { trace: string | undefined; headers: Record<string, string> }[] = [];
  await using _follower = follow<number>(listener.endpoint, "traced", {
    interceptors,
    onItem: ({ headers }) => void seen.push({ trace: traceOf(), headers }),
  });
  await expect.poll(() => feed.stats().followers).toBe(1);
  await inSpan("test", {}, async () => {
    feed.put("t", 1);
    await expect.poll(() => seen.length, { timeout: 3_000 }).toBe(1);
    expect(seen[0]?.headers["traceparent"]).toContain(traceOf());
    expect(seen[0]?.trace).not.toBe(traceOf());
    expect(seen[0]?.trace).toMatch(/^[0-9a-f]{32}$/);
  });
});

test("what a feed's follower missed is told on the next of its messages that is traced", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using feed = await openFeed<number>("skips", listener, { interceptors });
  const told: unknown[] = [];
  const tell: Interceptor = (_operation, next) => {
    const span = trace.getActiveSpan() as unknown as { attributes: Record<string, unknown> };
    if (span !== undefined) told.push(span.attributes["zp.missed"]);
    return next();
  };
  await using slow = follow<number>(listener.endpoint, "skips", {
    slow: "drop-oldest-and-say",
    maxLag: { messages: 10 },
    interceptors: [tracingInterceptor, tell],
  });
  await feed.ready(1);
  for (let i = 0; i < 50; i++) feed.put("t", i);
  await inSpan("test", {}, async () => {
    feed.put("t", 50);
    feed.put("t", 51);
  });
  await expect.poll(() => slow.lag.dropped, { timeout: 3_000 }).toBe(42);
  let missed = 0;
  for await (const event of slow) {
    if ("gap" in event) missed += event.gap.to - event.gap.from + 1;
    else if ("value" in event && event.value === 51) break;
  }
  expect(missed).toBe(42);
  expect(told).toEqual([42, undefined]);
});

test("a context can be kept as text and taken up later", async () => {
  const kept = await inSpan("test", {}, async () => ({
    text: currentTraceparent(),
    id: traceOf(),
  }));
  expect(kept.text).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  await withTraceparent(kept.text, () =>
    inSpan("later", {}, async () => expect(traceOf()).toBe(kept.id)),
  );
  expect(currentTraceparent()).toBe(undefined);
  expect(withTraceparent("nonsense", () => traceOf())).toBe(undefined);
});

test("finished spans leave as OTLP over a pipe", async () => {
  const got: Seen[] = [];
  await using collector = await collectPipe({
    onMessage: ({ kind }, body) => void got.push({ kind, bytes: body.length }),
  });
  await using pipe = openPipe(`tcp://127.0.0.1:${collector.port}`);
  for (let i = 0; i < 10; i++) await inSpan("one", {}, async () => i);
  await tracing.flush();
  expect(batches.length).toBeGreaterThan(0);
  for (const { kind, bytes } of batches) pipe.push(kind, Buffer.alloc(bytes));
  await expect.poll(() => got.length, { timeout: 5_000 }).toBe(batches.length);
  expect(got[0]?.kind).toBe(SPANS_KIND);
});

test("a failure is marked on its span and thrown on", async () => {
  const before = tracing.stats().exported;
  await expect(inSpan("fails", {}, () => Promise.reject(new TypeError("no")))).rejects.toThrow(
    "no",
  );
  await tracing.flush();
  expect(tracing.stats().exported).toBe(before + 1);
});
