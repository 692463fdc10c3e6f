import { setTimeout as sleep } from "node:timers/promises";
import { connect, serve } from "@zeroplane/rpc";
import { inSpan, startTracing, tracingInterceptor } from "@zeroplane/tracing";
import { expect, test } from "vitest";
import { type ProfileFacts, Profiler } from "./profiler.ts";

const about = { service: "shop", node: "shop-1" };
const interceptors = [tracingInterceptor];

interface Profile {
  readonly nodes: readonly { readonly callFrame: { readonly functionName: string } }[];
  readonly samples: readonly number[];
  readonly zeroplane: ProfileFacts;
}

const target = {
  burn: (ms: number) => {
    const untilMs = performance.now() + ms;
    while (performance.now() < untilMs) continue;
    return ms;
  },
};

test("a profile names what ran, and the spans that were open meanwhile", async () => {
  const tracing = startTracing({ ...about, sink: { push: () => undefined } });
  const profiler = new Profiler(about, tracing);
  await using server = await serve(target, { interceptors });
  await using client = connect<typeof target>(server.endpoint, { interceptors });
  await inSpan("before", {}, () => client.burn(1));
  void inSpan("hangs", {}, () => new Promise(() => undefined));
  const taken = profiler.take({ ms: 200 });
  await sleep(60);
  const ids = await inSpan("meanwhile", {}, async (span) => {
    await client.burn(60);
    return span.spanContext();
  });
  const { nodes, samples, zeroplane } = JSON.parse(await taken) as Profile;
  await inSpan("after", {}, () => client.burn(1));
  await tracing[Symbol.asyncDispose]();
  expect(nodes.map(({ callFrame }) => callFrame.functionName)).toContain("burn");
  expect(samples.length).toBeGreaterThan(20);
  expect(zeroplane).toMatchObject({ ...about, pid: process.pid });
  const { window } = zeroplane;
  expect(window?.spans.map(({ name }) => name)).toEqual([
    expect.stringMatching(/\.burn$/),
    "burn",
    "meanwhile",
    "hangs",
  ]);
  expect(window?.spans[2]).toMatchObject({ traceId: ids.traceId, spanId: ids.spanId });
  expect(window?.spans[3]?.endMs).toBeUndefined();
  expect((window?.toMs ?? 0) - (window?.fromMs ?? 0)).toBeGreaterThan(195);
  expect(window?.more).toBe(0);
});

test("of many spans the first thousand are named, and the others counted", async () => {
  const tracing = startTracing({ ...about, sink: { push: () => undefined } });
  const taken = new Profiler(about, tracing).take({ ms: 100 });
  await sleep(50);
  for (let i = 0; i < 1_200; i++) await inSpan(`s${i}`, {}, async () => undefined);
  const { zeroplane } = JSON.parse(await taken) as Profile;
  await tracing[Symbol.asyncDispose]();
  expect(zeroplane.window?.spans).toHaveLength(1_000);
  expect(zeroplane.window?.more).toBe(200);
});

test("one is taken at a time, within bounds, and a process that is not traced has no spans", async () => {
  const profiler = new Profiler(about, undefined);
  const first = profiler.take({ ms: 100 });
  await expect(profiler.take({})).rejects.toMatchObject({
    code: "ERR_OVERLOADED",
    retryable: true,
  });
  for (const options of [{ ms: 0 }, { ms: 30_001 }, { ms: Number.NaN }, { intervalUs: 1 }]) {
    await expect(profiler.take(options)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENTS" });
  }
  expect((JSON.parse(await first) as Profile).zeroplane).toEqual({ ...about, pid: process.pid });
  await expect(profiler.take({ ms: 5 })).resolves.toContain("nodes");
});
