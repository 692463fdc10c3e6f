import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { Zp } from "./zp.ts";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" ? (address?.port ?? 0) : 0;
}

const TRACE = "a".repeat(32);

function span(id: number, parent: number, [fromMs, toMs]: readonly [number, number]): object {
  const hex = (n: number): string => n.toString(16).padStart(16, "0");
  const nanoseconds = (ms: number): string => `${Date.now() - 1_000 + ms}000000`;
  return {
    traceId: TRACE,
    spanId: hex(id),
    ...(parent > 0 && { parentSpanId: hex(parent) }),
    name: `work ${id}`,
    kind: 2,
    startTimeUnixNano: nanoseconds(fromMs),
    endTimeUnixNano: nanoseconds(toMs),
  };
}

test("why --json is one object that says where the time of a trace went", async () => {
  await using zp = new Zp();
  const [http, queries] = [await freePort(), await freePort()];
  zp.env["ZP_BIND"] = `tcp://127.0.0.1:${queries}`;
  const collector = zp.start("traces", "--port", String(http), "--data", join(zp.folder, "traces"));
  await using _ending = {
    [Symbol.asyncDispose]: async () => {
      collector.kill("SIGINT");
      await once(collector, "exit");
    },
  };
  const url = `http://127.0.0.1:${http}`;
  await vi.waitUntil(() => fetch(`${url}/api/health`).catch(() => false), { timeout: 20_000 });
  const spans = [span(1, 0, [0, 400]), span(2, 1, [100, 300])];
  const body = { resourceSpans: [{ scopeSpans: [{ spans }] }] };
  const headers = { "content-type": "application/json" };
  await fetch(`${url}/v1/traces`, { method: "POST", headers, body: JSON.stringify(body) });
  Object.assign(zp.env, {
    ZP_API: "tcp://127.0.0.1:1",
    ZP_TRACE_QUERIES: `tcp://127.0.0.1:${queries}`,
  });
  const { code, out } = await zp.run(["why", TRACE, "--json"]);
  expect(code).toBe(0);
  const why = JSON.parse(out) as { durationMs: number; waitedFor: { operation: string }[] };
  expect(why).toMatchObject({ traceId: TRACE, operation: "work 1", failed: [] });
  expect(Math.abs(why.durationMs - 400)).toBeLessThan(50);
  expect(why.waitedFor.map(({ operation }) => operation)).toEqual(["work 1", "work 2", "work 1"]);
  expect((await zp.run(["why", TRACE])).out).toMatch(/in order\n.* work 1 .*\n.* work 2 /);
});
