/**
 * `npm run soak -- [--millions N]`: makes calls over one connection, a server in a process of its
 * own, and looks at memory and handles after every million. Ends with status 1 when memory still
 * grows after the first two, by more than 1 MB a million, or when something is left over.
 */
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { connect, serve } from "@zeroplane/rpc";

const MILLION = 1_000_000;
const IN_FLIGHT = 512;
const WARM_UP = 2;
const GROWTH_BYTES_MAX = 1024 * 1024;

class Sums {
  add(a: number, b: number): number {
    return a + b;
  }
}

interface Sample {
  readonly client: number;
  readonly server: number;
}

if (process.send === undefined) await main();
else await serveSums();

async function serveSums(): Promise<void> {
  const server = await serve(new Sums());
  process.send?.(server.endpoint);
  process.on("message", () => {
    global.gc?.();
    process.send?.({ heap: process.memoryUsage().heapUsed, running: server.running() });
  });
  process.once("disconnect", () => process.exit(0));
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { millions: { type: "string", default: "10" } } });
  const execArgv = ["-C", "@zeroplane/source", "--expose-gc"];
  const child = fork(fileURLToPath(import.meta.url), [], { execArgv });
  const [endpoint] = (await once(child, "message")) as [string];
  const client = connect<Sums>(endpoint);
  const samples: Sample[] = [];
  for (let million = 1; million <= Number(values.millions); million++) {
    const startMs = performance.now();
    await makeCalls(client);
    const perSecond = Math.round(MILLION / ((performance.now() - startMs) / 1_000));
    samples.push(await sample(child));
    process.stderr.write(`${million} M calls, ${perSecond}/s, heap ${told(samples.at(-1))}\n`);
  }
  await client[Symbol.asyncDispose]();
  child.disconnect();
  judge(samples);
}

async function makeCalls(client: ReturnType<typeof connect<Sums>>): Promise<void> {
  let left = MILLION;
  const lane = async (): Promise<void> => {
    while (left-- > 0) {
      const number = left;
      const sum = await client.add(number, 1);
      if (sum !== number + 1) throw new Error(`${number} + 1 is not ${sum}`);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
}

async function sample(child: ChildProcess): Promise<Sample> {
  global.gc?.();
  child.send("sample");
  const [{ heap, running }] = (await once(child, "message")) as [{ heap: number; running: number }];
  if (running > 0) throw new Error(`${running} calls still run at the server`);
  return { client: process.memoryUsage().heapUsed, server: heap };
}

function judge(samples: readonly Sample[]): void {
  const [first, last] = [samples[Math.min(WARM_UP, samples.length - 1)], samples.at(-1)];
  const millions = Math.max(1, samples.length - 1 - WARM_UP);
  const growth = (side: keyof Sample): number =>
    Math.round(((last?.[side] ?? 0) - (first?.[side] ?? 0)) / millions);
  const bytesPerMillion = { client: growth("client"), server: growth("server") };
  process.stdout.write(`${JSON.stringify({ calls: samples.length * MILLION, bytesPerMillion })}\n`);
  if (Math.max(...Object.values(bytesPerMillion)) > GROWTH_BYTES_MAX) process.exitCode = 1;
}

function told(sample: Sample | undefined): string {
  const mb = (bytes = 0): string => (bytes / 1024 / 1024).toFixed(1);
  return `${mb(sample?.client)} MB here, ${mb(sample?.server)} MB at the server`;
}
