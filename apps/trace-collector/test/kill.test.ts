import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));
const BATCH = 20;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

/** The real collector in a process of its own, once it answers. */
async function collectorAt(port: number, data: string): Promise<ChildProcess> {
  const env = { ...process.env, ZP_DATA: data, ZP_HTTP_PORT: String(port), ZP_LOG_LEVEL: "fatal" };
  const child = spawn(process.execPath, ["-C", "@zeroplane/source", MAIN], {
    env,
    stdio: "ignore",
  });
  await expect
    .poll(async () => (await fetch(`http://127.0.0.1:${port}/api/health`)).status, {
      timeout: 20_000,
      interval: 100,
    })
    .toBe(200);
  return child;
}

function body(trace: number): string {
  const spans = Array.from({ length: BATCH }, (_, n) => ({
    traceId: trace.toString(16).padStart(32, "0"),
    spanId: (trace * BATCH + n + 1).toString(16).padStart(16, "0"),
    name: "work",
    startTimeUnixNano: `${Date.now()}000000`,
    endTimeUnixNano: `${Date.now() + 1}000000`,
  }));
  return JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] });
}

test("kill -9 under load loses nothing that was acknowledged", { timeout: 60_000 }, async () => {
  const data = mkdtempSync(join(tmpdir(), "zp-kill-"));
  const port = await freePort();
  const acknowledged: number[] = [];
  let next = 1;
  for (let round = 0; round < 2; round++) {
    const child = await collectorAt(port, data);
    const exited = once(child, "exit");
    let isUp = true;
    const senders = Array.from({ length: 8 }, async () => {
      while (isUp) {
        const trace = next++;
        const headers = { "content-type": "application/json" };
        const sent = fetch(`http://127.0.0.1:${port}/v1/traces`, {
          method: "POST",
          headers,
          body: body(trace),
        });
        const status = await sent.then((response) => response.status).catch(() => 0);
        if (status === 200) acknowledged.push(trace);
        else isUp = false;
      }
    });
    const enough = acknowledged.length + 60;
    await expect
      .poll(() => acknowledged.length, { timeout: 15_000, interval: 5 })
      .toBeGreaterThan(enough);
    child.kill("SIGKILL");
    await exited;
    await Promise.all(senders);
  }
  const child = await collectorAt(port, data);
  const lost: number[] = [];
  for (const trace of acknowledged) {
    const response = await fetch(
      `http://127.0.0.1:${port}/api/traces/${trace.toString(16).padStart(32, "0")}?format=view`,
    );
    const { spans = [] } = (await response.json()) as { spans?: unknown[] };
    if (spans.length !== BATCH) lost.push(trace);
  }
  expect(lost).toEqual([]);
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
});
