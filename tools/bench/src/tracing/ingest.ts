import { zstdCompressSync } from "node:zlib";
import { openPipe } from "@zeroplane/patterns";
import { SPANS_KIND } from "@zeroplane/tracing";
import { median } from "../load.ts";
import type { BenchCollector } from "./collector.ts";
import { otlpBody } from "./spans.ts";

const BODY_SPANS = 1_000;
const BODIES = 16;
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

type Send = (bodies: Iterable<Uint8Array>) => Promise<void>;

/** Stores `spans` spans, half by each road, in turns of which each ends when all of its spans are stored. */
export async function ingest(
  collector: BenchCollector,
  spans: number,
  rounds: number,
): Promise<Ingested> {
  await using pipe = openPipe(collector.pipe);
  const made = Array.from({ length: BODIES }, () => otlpBody(BODY_SPANS));
  const bodies = endless(made.map(({ body }) => body));
  const roads: Record<"http" | "pipe", Send> = {
    http: (some) => byHttp(collector, some),
    pipe: async (some) => {
      for (const body of some) {
        pipe.push(SPANS_KIND, zstdCompressSync(body));
        while (pipe.stats().waiting > WAITING_MAX) await sleep(1);
      }
    },
  };
  const found: Record<"http" | "pipe", Road[]> = { http: [], pipe: [] };
  const count = Math.round(spans / rounds / 2 / BODY_SPANS);
  for (let round = 0; round < rounds; round++) {
    for (const name of ["http", "pipe"] as const) {
      found[name].push(await turn(collector, roads[name], bodies, count));
    }
  }
  const middle = (road: readonly Road[]): Road => ({
    spansPerSecond: median(road.map(({ spansPerSecond }) => spansPerSecond)),
    cpuUsPerSpan: median(road.map(({ cpuUsPerSpan }) => cpuUsPerSpan)),
  });
  return {
    roads: { http: middle(found.http), pipe: middle(found.pipe) },
    traceId: made[0]?.traceId ?? "",
  };
}

async function turn(
  collector: BenchCollector,
  send: Send,
  bodies: Iterator<Uint8Array>,
  count: number,
): Promise<Road> {
  const some = Array.from({ length: count }, () => bodies.next().value as Uint8Array);
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

/** The bodies, and after the last one the same with other ids, without end. */
function* endless(bodies: readonly Uint8Array[]): Generator<Uint8Array, never> {
  yield* bodies;
  for (let n = 1; ; n++) for (const body of bodies) yield renewed(body, n);
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

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
