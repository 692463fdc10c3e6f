/**
 * `npm run sim -- link --seeds N [--from S]`: runs the session core through simulated faults, one
 * seed after the other. Ends with status 1 at the first seed that breaks a promise.
 * `npm run sim -- link --seed S --trace` plays one seed again, line by line.
 */
import { parseArgs } from "node:util";
import { type Simulation, simulateSessions } from "@zeroplane/link/testing";

const SUITES = { link: simulateSessions } as const;
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
const [suite = "link"] = positionals;
if (!Object.hasOwn(SUITES, suite)) {
  process.stderr.write(`no suite ${JSON.stringify(suite)}; there is: ${Object.keys(SUITES)}\n`);
  process.exitCode = 2;
} else if (values.seed !== undefined) playOne(Number(values.seed));
else playMany(Number(values.from), Number(values.seeds));

function playOne(seed: number): void {
  const trace = (line: string): void => void process.stdout.write(`${line}\n`);
  const run = SUITES.link(seed, values.trace ? { trace } : {});
  process.stdout.write(`${JSON.stringify(run)}\n`);
  if (run.failure !== undefined) process.exitCode = 1;
}

function playMany(from: number, count: number): void {
  const startMs = performance.now();
  const total = { seeds: 0, events: 0, records: 0, resets: 0, virtualMs: 0 };
  let shownMs = startMs;
  for (let seed = from; seed < from + count; seed++) {
    const run = SUITES.link(seed);
    add(total, run);
    if (run.failure !== undefined) {
      process.stderr.write(`seed ${seed}: ${run.failure}\n`);
      process.stderr.write(`play it again with: npm run sim -- link --seed ${seed} --trace\n`);
      process.exitCode = 1;
      break;
    }
    if (performance.now() - shownMs < PROGRESS_MS) continue;
    shownMs = performance.now();
    process.stderr.write(`${total.seeds} of ${count} seeds\n`);
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
