import { openPipe } from "@zeroplane/patterns";
import { startSpan, startTracing } from "@zeroplane/tracing";
import { median } from "../load.ts";

const BATCH = 512;
const WARM = 20;
const BATCHES = 60;

/** What a span of one's own costs the service that makes it, microseconds of CPU. */
export interface SpanCost {
  /** All of it, up to the socket: recorded, encoded, compressed and sent, in every thread. */
  readonly whole: number;
  /** What the code that makes it pays at once. */
  readonly onPath: number;
}

/** Spans with four attributes, sent to `endpoint`, less what the same costs without tracing; interleaved. */
export async function spanCost(endpoint: string, rounds: number): Promise<SpanCost> {
  const [whole, onPath]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round++) {
    const off = await batches(undefined);
    await using pipe = openPipe(endpoint);
    await using tracing = startTracing({ service: "bench", node: "bench-1", sink: pipe });
    const on = await batches(() => tracing.flush());
    whole.push(on.whole - off.whole);
    onPath.push(on.onPath - off.onPath);
  }
  return { whole: median(whole), onPath: median(onPath) };
}

async function batches(flush: (() => Promise<void>) | undefined): Promise<SpanCost> {
  for (let i = 0; i < WARM; i++) {
    makeSpans();
    await flush?.();
  }
  // Sums, since the clock of CPU time goes in steps that are longer than a batch.
  let [whole, onPath] = [0, 0];
  for (let i = 0; i < BATCHES; i++) {
    const before = process.cpuUsage();
    const own = process.threadCpuUsage();
    makeSpans();
    onPath += microseconds(process.threadCpuUsage(own));
    await flush?.();
    // What is compressed elsewhere and sent by the socket's thread ends a little later.
    await new Promise((resolve) => setTimeout(resolve, 2));
    whole += microseconds(process.cpuUsage(before));
  }
  const spans = BATCHES * (BATCH - 1);
  return { whole: whole / spans, onPath: onPath / spans };
}

/** One less than leave at once: encoding begins when it is asked for. */
function makeSpans(): void {
  for (let n = 0; n < BATCH - 1; n++) {
    const attributes = { "shop.items": n, "zp.app": "app-1", "user.id": "u-77", "zp.attempt": 1 };
    startSpan("price", { attributes }).end();
  }
}

const microseconds = ({ user, system }: NodeJS.CpuUsage): number => user + system;
