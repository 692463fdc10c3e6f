import { median, percentile } from "../load.ts";
import type { BenchCollector } from "./collector.ts";
import { otlpBody } from "./spans.ts";

const ROUNDS = 9;
/** Of what is slow fewer rounds will do. */
const ROUNDS_MIN = 3;
const SLOW_MS = 10_000;
/** A trace by its id is quick: it takes more to know how quick. */
const ID_ROUNDS = 101;

/** How long an answer takes, milliseconds. */
export interface Times {
  readonly p50: number;
  readonly p95: number;
}

/** Every query of the pages, over all that is stored. */
export async function queryTimes(
  { url }: BenchCollector,
  traceId: string,
): Promise<Record<string, Times>> {
  const paths = {
    "newest traces": "/api/search?totals=false",
    "newest traces, counted": "/api/search",
    "slowest spans": "/api/search?of=spans&sort=duration",
    "failed of a service": "/api/search?service=service-0&error=true",
    "by attribute": "/api/search?attribute=user.id%3Du-77",
    heatmap: "/api/heatmap",
    operations: "/api/operations",
    errors: "/api/errors",
    map: "/api/map",
  };
  const byId = `/api/traces/${traceId}?format=skeleton`;
  const found: Record<string, Times> = { "trace by id": await timed(url + byId, ID_ROUNDS) };
  for (const [name, path] of Object.entries(paths)) found[name] = await timed(url + path, ROUNDS);
  return found;
}

async function timed(url: string, rounds: number): Promise<Times> {
  const times: number[] = [];
  const until = performance.now() + SLOW_MS;
  for (let round = 0; round < rounds; round++) {
    if (round >= ROUNDS_MIN && performance.now() > until) break;
    const first = performance.now();
    const response = await fetch(url);
    if (!response.ok) throw new Error(`${url}: ${response.status}`);
    await response.arrayBuffer();
    times.push(performance.now() - first);
  }
  return { p50: median(times), p95: percentile(times, 0.95) };
}

/** How long it takes until a span that was sent is found, milliseconds. */
export async function searchableMs(collector: BenchCollector): Promise<number> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const { body, traceId } = otlpBody(1);
    const first = performance.now();
    const sent = collector.post(body);
    while (!(await fetch(`${collector.url}/api/traces/${traceId}`)).ok) continue;
    times.push(performance.now() - first);
    await sent;
  }
  return median(times);
}
