import { constants, zstdCompressSync } from "node:zlib";
import { openPipe } from "@zeroplane/patterns";
import { SPANS_KIND } from "@zeroplane/tracing";
import { median } from "../load.ts";
import type { BenchCollector } from "./collector.ts";
import { otlpBody } from "./spans.ts";

const BODY_SPANS = 1_000;
const QUICKLY = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };
const IN_FLIGHT = 4;
const WAITING_MAX = 64;
const POLL_MS = 20;

/** How spans come to the collector. */
export interface Road {
  readonly spansPerSecond: number;
  /** CPU of the whole collector for each span, all of its threads. */
  readonly cpuUsPerSpan: number;
}

/** By road, and a trace that is stored. */
export interface Ingested {
  readonly roads: Readonly<Record<"http" | "pipe", Road>>;
  readonly traceId: string;
}

/** Sends bodies that are packed already. */
interface Way {
  readonly packed: (body: Uint8Array) => Uint8Array;
  readonly send: (bodies: Iterable<Uint8Array>) => Promise<void>;
}

/** Stores `spans` spans, half by each road, in turns of which each ends when all of its spans are stored. */
export async function ingest(
  collector: BenchCollector,
  spans: number,
  rounds: number,
): Promise<Ingested> {
  await using pipe = openPipe(collector.pipe);
  const roads: Record<"http" | "pipe", Way> = {
    http: { packed: (body) => body, send: (some) => byHttp(collector, some) },
    pipe: {
      packed: (body) => zstdCompressSync(body, QUICKLY),
      send: async (some) => {
        for (const body of some) {
          pipe.push(SPANS_KIND, body);
          while (pipe.stats().waiting > WAITING_MAX) await sleep(1);
        }
      },
    },
  };
  const found: Record<"http" | "pipe", Road[]> = { http: [], pipe: [] };
  const count = Math.round(spans / rounds / 2 / BODY_SPANS);
  for (let round = 0; round < rounds; round++) {
    for (const name of ["http", "pipe"] as const) {
      found[name].push(await turn(collector, roads[name], count));
    }
  }
  const middle = (road: readonly Road[]): Road => ({
    spansPerSecond: median(road.map(({ spansPerSecond }) => spansPerSecond)),
    cpuUsPerSpan: median(road.map(({ cpuUsPerSpan }) => cpuUsPerSpan)),
  });
  const { body, traceId } = otlpBody(BODY_SPANS);
  await collector.post(body);
  return { roads: { http: middle(found.http), pipe: middle(found.pipe) }, traceId };
}

async function turn(
  collector: BenchCollector,
  { packed, send }: Way,
  count: number,
): Promise<Road> {
  const some = Array.from({ length: count }, () => packed(otlpBody(BODY_SPANS).body));
  const [before, { spans: stored }] = [collector.usage(), await collector.stored()];
  const startMs = performance.now();
  await send(some);
  while ((await collector.stored()).spans < stored + count * BODY_SPANS) await sleep(POLL_MS);
  const seconds = (performance.now() - startMs) / 1_000;
  const spans = count * BODY_SPANS;
  return {
    spansPerSecond: spans / seconds,
    cpuUsPerSpan: (collector.usage().cpuUs - before.cpuUs) / spans,
  };
}

async function byHttp(collector: BenchCollector, bodies: Iterable<Uint8Array>): Promise<void> {
  const rest = bodies[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = rest.next(); !next.done; next = rest.next()) await collector.post(next.value);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
