/**
 * `npm run sim -- link|rpc|work|feed|state|pipe|peers|all --seeds N [--from S]`: runs the cores of a library
 * through simulated faults, one seed after the other. Ends with status 1 at the first that breaks a promise.
 * `npm run sim -- link --seed S --trace` plays one seed again, line by line.
 */
import { parseArgs } from "node:util";
import { type Simulation, simulateSessions, type WorldOptions } from "@zeroplane/link/testing";
import {
  simulateFeed,
  simulatePeers,
  simulatePipe,
  simulateState,
  simulateWork,
} from "@zeroplane/patterns/testing";
import { simulateCalls } from "@zeroplane/rpc/testing";

type Simulate = (seed: number, options?: WorldOptions) => Simulation | Promise<Simulation>;

const SUITES: Readonly<Record<string, Simulate>> = {
  link: simulateSessions,
  rpc: simulateCalls,
  work: simulateWork,
  feed: simulateFeed,
  state: simulateState,
  pipe: simulatePipe,
  peers: simulatePeers,
};
const PROGRESS_MS = 5_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seeds: { type: "string", default: "1000" },
    from: { type: "string", default: "1" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
  },
});
const [wanted = "all"] = positionals;
const names = wanted === "all" ? Object.keys(SUITES) : [wanted];
for (const name of names) {
  const simulate = SUITES[name];
  if (simulate === undefined) {
    const known = [...Object.keys(SUITES), "all"].join(", ");
    process.stderr.write(`no suite ${JSON.stringify(name)}; there is: ${known}\n`);
    process.exitCode = 2;
  } else if (values.seed !== undefined) await playOne(simulate, Number(values.seed));
  else await playMany(name, simulate, { from: Number(values.from), count: Number(values.seeds) });
}

async function playOne(simulate: Simulate, seed: number): Promise<void> {
  const trace = (line: string): void => void process.stdout.write(`${line}\n`);
  const run = await simulate(seed, values.trace ? { trace } : {});
  process.stdout.write(`${JSON.stringify(run)}\n`);
  if (run.failure !== undefined) process.exitCode = 1;
}

async function playMany(
  suite: string,
  simulate: Simulate,
  { from, count }: { readonly from: number; readonly count: number },
): Promise<void> {
  const startMs = performance.now();
  const total = { seeds: 0, events: 0, records: 0, resets: 0, virtualMs: 0 };
  let shownMs = startMs;
  for (let seed = from; seed < from + count; seed++) {
    const run = await simulate(seed);
    add(total, run);
    if (run.failure !== undefined) {
      process.stderr.write(`seed ${seed}: ${run.failure}\n`);
      process.stderr.write(`play it again with: npm run sim -- ${suite} --seed ${seed} --trace\n`);
      process.exitCode = 1;
      break;
    }
    if (performance.now() - shownMs < PROGRESS_MS) continue;
    shownMs = performance.now();
    process.stderr.write(`${suite}: ${total.seeds} of ${count} seeds\n`);
  }
  const seconds = (performance.now() - startMs) / 1_000;
  const seedsPerSecond = Math.round(total.seeds / seconds);
  const virtualHours = Math.round(total.virtualMs / 36_000) / 100;
  const { virtualMs: _, ...counts } = total;
  process.stdout.write(`${JSON.stringify({ suite, ...counts, virtualHours, seedsPerSecond })}\n`);
}

function add(
  total: { seeds: number; events: number; records: number; resets: number; virtualMs: number },
  run: Simulation,
): void {
  total.seeds++;
  total.events += run.events;
  total.records += run.records;
  total.resets += run.resets;
  total.virtualMs += run.virtualMs;
}
