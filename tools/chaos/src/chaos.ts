/**
 * `npm run chaos -- work|lines|races|disks|jobs|feed|state|pipe|patterns [--seed N] [--count N]`: real processes and real faults, by
 * seed. Prints one line of JSON for each suite, and ends with status 1 when a promise was broken.
 */
import { parseArgs } from "node:util";
import { chaosFeed } from "./streams/feed.ts";
import { chaosPipe } from "./streams/pipe.ts";
import { chaosState } from "./streams/state.ts";
import { chaosDisks } from "./work/disks.ts";
import { chaosJobs } from "./work/jobs.ts";
import { chaosLines } from "./work/network.ts";
import { chaosRaces } from "./work/races.ts";
import { chaosWork } from "./work/suite.ts";

/** What a suite is told. */
export interface ChaosOptions {
  readonly seed: number;
  /** How much of it; what that counts is the suite's own. */
  readonly count: number | undefined;
}

/** Runs a suite. @returns what it measured @throws when a promise was broken */
type Chaos = (options: ChaosOptions) => Promise<object>;

const SUITES: Readonly<Record<string, Chaos>> = {
  work: chaosWork,
  lines: ({ seed }) => chaosLines(seed),
  races: ({ seed }) => chaosRaces(seed),
  disks: () => chaosDisks(),
  jobs: chaosJobs,
  feed: ({ seed }) => chaosFeed(seed),
  state: ({ seed }) => chaosState(seed),
  pipe: ({ seed }) => chaosPipe(seed),
};
const GROUPS: Readonly<Record<string, readonly string[]>> = {
  patterns: ["work", "lines", "races", "disks", "feed", "state", "pipe"],
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: "string", default: "1" }, count: { type: "string" } },
});
const [wanted = "patterns"] = positionals;
const count = values.count === undefined ? undefined : Number(values.count);
for (const name of GROUPS[wanted] ?? [wanted]) {
  const run = SUITES[name];
  if (run === undefined) {
    const known = [...Object.keys(SUITES), ...Object.keys(GROUPS)].join(", ");
    process.stderr.write(`no suite ${JSON.stringify(name)}; there is: ${known}\n`);
    process.exitCode = 2;
  } else await play(name, run);
}

async function play(name: string, run: Chaos): Promise<void> {
  try {
    const found = await run({ seed: Number(values.seed), count });
    process.stdout.write(`${JSON.stringify({ suite: name, ...found })}\n`);
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.stack : String(error)}\n`);
    process.exitCode = 1;
  }
}
