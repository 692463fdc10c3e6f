import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../peers/free-port.ts";
import { otlpBody } from "../tracing/spans.ts";
import type { Suite, SuiteReport } from "./suite.ts";

/** What the collector costs and how fast it answers. */
export interface TracingReport extends SuiteReport {
  readonly spans: number;
  readonly spansPerSecond: number;
  /** CPU of the whole collector for each span, all of its threads. */
  readonly cpuUsPerSpan: number;
  readonly idleMb: number;
  readonly loadedMb: number;
  readonly searchableMs: number;
  readonly diskBytesPerSpan: number;
  /** By query: p50 and p95, milliseconds. */
  readonly queries: Readonly<Record<string, { readonly p50: number; readonly p95: number }>>;
}

const MAIN = fileURLToPath(
  new URL("../../../../apps/trace-collector/src/main.ts", import.meta.url),
);
const BODY_SPANS = 1_000;
const IN_FLIGHT = 4;
const SPANS = { quick: 1_000_000, full: 10_000_000 } as const;
const ROUNDS = 9;
const START_MS = 30_000;
const CLOCK_TICK_US = 10_000;

async function startCollector(
  data: string,
): Promise<{ readonly child: ChildProcess; readonly url: string }> {
  const port = await freePort();
  const env = {
    ...process.env,
    ZP_DATA: data,
    ZP_HTTP_PORT: String(port),
    ZP_LOG_LEVEL: "fatal",
    ZP_RETENTION_BYTES: String(100e9),
  };
  const child = spawn(process.execPath, ["-C", "@zeroplane/source", MAIN], {
    env,
    stdio: "ignore",
  });
  const url = `http://127.0.0.1:${port}`;
  const until = performance.now() + START_MS;
  while (
    !(await fetch(`${url}/api/health`).then(
      ({ ok }) => ok,
      () => false,
    ))
  ) {
    if (performance.now() > until) throw new Error("the collector did not start");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return { child, url };
}

/** CPU of a process so far, microseconds, and memory, MB. */
function usageOf(pid: number): { readonly cpuUs: number; readonly mb: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return {
    cpuUs: (Number(fields[11]) + Number(fields[12])) * CLOCK_TICK_US,
    mb: Number(rss) / 1_024,
  };
}

/** Sends bodies with new ids each: the ids of a body are overwritten in place. */
async function send(
  url: string,
  total: number,
): Promise<{ readonly seconds: number; readonly traceId: string }> {
  const made = Array.from({ length: 16 }, () => otlpBody(BODY_SPANS));
  const first = performance.now();
  let sent = 0;
  let made16 = 0;
  let traceId = "";
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (sent < total) {
        sent += BODY_SPANS;
        const next = made[made16++ % made.length] ?? otlpBody(BODY_SPANS);
        const { body } = next;
        traceId = next.traceId;
        const fresh = made16 > made.length ? renewed(body, made16) : body;
        const response = await fetch(`${url}/v1/traces`, {
          method: "POST",
          headers: { "content-type": "application/x-protobuf" },
          body: fresh,
        });
        if (!response.ok) throw new Error(`refused: ${response.status}`);
        await response.arrayBuffer();
      }
    }),
  );
  return { seconds: (performance.now() - first) / 1_000, traceId };
}

/** The same spans with other ids: every trace id (field 1, 16 bytes) and span id (field 2, 8 bytes) is mixed with `n`. */
function renewed(body: Uint8Array, n: number): Uint8Array {
  const bytes = Buffer.from(body);
  for (let at = bytes.indexOf(ID_FIELD); at !== -1; at = bytes.indexOf(ID_FIELD, at + 28)) {
    if (bytes[at + 18] !== 0x12 || bytes[at + 19] !== 8) continue;
    bytes.writeUInt32LE((bytes.readUInt32LE(at + 2) ^ Math.imul(n, 0x9e3779b1)) >>> 0, at + 2);
    bytes.writeUInt32LE((bytes.readUInt32LE(at + 20) ^ Math.imul(n, 0x85ebca6b)) >>> 0, at + 20);
  }
  return bytes;
}

const ID_FIELD = Buffer.from([0x0a, 16]);

async function timed(url: string): Promise<{ readonly p50: number; readonly p95: number }> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const first = performance.now();
    await (await fetch(url)).text();
    times.push(performance.now() - first);
  }
  times.sort((a, b) => a - b);
  return { p50: times[Math.floor(ROUNDS / 2)] ?? 0, p95: times.at(-1) ?? 0 };
}

async function searchable(url: string): Promise<number> {
  const { body, traceId } = otlpBody(1);
  const first = performance.now();
  await fetch(`${url}/v1/traces`, {
    method: "POST",
    headers: { "content-type": "application/x-protobuf" },
    body: Buffer.from(body),
  });
  while (!(await fetch(`${url}/api/traces/${traceId}`)).ok) continue;
  return performance.now() - first;
}

async function run(isQuick: boolean): Promise<TracingReport> {
  const data = mkdtempSync(join(tmpdir(), "zp-bench-"));
  const { child, url } = await startCollector(data);
  try {
    const pid = child.pid ?? 0;
    const idle = usageOf(pid);
    const spans = isQuick ? SPANS.quick : SPANS.full;
    const { seconds, traceId } = await send(url, spans);
    const loaded = usageOf(pid);
    const searchableMs = await searchable(url);
    const queries: Record<string, { p50: number; p95: number }> = {};
    for (const [name, path] of Object.entries({
      "trace by id": `/api/traces/${traceId}`,
      "newest traces": "/api/search",
      "slowest spans": "/api/search?of=spans&sort=duration",
      "failed of a service": "/api/search?service=service-0&error=true",
      "by attribute": "/api/search?attribute=user.id%3Du-77",
      operations: "/api/operations",
      errors: "/api/errors",
      map: "/api/map",
    }))
      queries[name] = await timed(url + path);
    const health = (await (await fetch(`${url}/api/health`)).json()) as {
      spans: number;
      bytes: number;
    };
    const report = {
      suite: "tracing",
      spans: health.spans,
      spansPerSecond: spans / seconds,
      cpuUsPerSpan: (loaded.cpuUs - idle.cpuUs) / spans,
      idleMb: idle.mb,
      loadedMb: loaded.mb,
      searchableMs,
      diskBytesPerSpan: health.bytes / health.spans,
      queries,
    };
    return {
      ...report,
      ratios: {
        spansPerSecondToGoal: report.spansPerSecond / 50_000,
        cpuToGoal: report.cpuUsPerSpan / 15,
      },
    };
  } finally {
    const exited = once(child, "exit");
    child.kill("SIGKILL");
    await exited;
    rmSync(data, { recursive: true, force: true });
  }
}

function table(report: TracingReport): string {
  const lines = [
    `${report.spans} spans over OTLP/HTTP: ${Math.round(report.spansPerSecond)} spans/s, ${report.cpuUsPerSpan.toFixed(1)} us CPU a span`,
    `memory ${Math.round(report.idleMb)} MB idle, ${Math.round(report.loadedMb)} MB loaded; ${Math.round(report.diskBytesPerSpan)} bytes a span on disk`,
    `searchable after ${Math.round(report.searchableMs)} ms`,
  ];
  for (const [name, { p50, p95 }] of Object.entries(report.queries))
    lines.push(`${name.padEnd(22)} p50 ${p50.toFixed(1)} ms, p95 ${p95.toFixed(1)} ms`);
  return lines.join("\n");
}

/** The trace collector alone, in a process of its own. */
export const tracing: Suite<TracingReport> = { run, table };
