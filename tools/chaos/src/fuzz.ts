/**
 * `npm run fuzz -- link [--minutes M] [--seed S]`: feeds the codec and the sessions with inputs of
 * strangers, beginning with the corpus that is kept in `tools/chaos/corpus`, and adds to it what
 * does something new. Ends with status 1 at the first input that breaks a promise, and keeps it
 * as `corpus/link-crash.txt`. `--replay FILE` feeds the inputs of a file once.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Crash, FUZZ_TARGETS, Fuzzer } from "@zeroplane/link/testing";
import { readCorpus, writeCorpus } from "./corpus.ts";

const SLICE = 500;
const MINUTE_MS = 60_000;
const PROGRESS_MS = 10_000;
const CORPUS = fileURLToPath(new URL("../corpus/link.txt", import.meta.url));
const CRASH = fileURLToPath(new URL("../corpus/link-crash.txt", import.meta.url));

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    minutes: { type: "string", default: "2" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    replay: { type: "string" },
  },
});
const [suite = "link"] = positionals;
if (suite === "link") main();
else {
  process.stderr.write(`no suite ${JSON.stringify(suite)}; there is: link\n`);
  process.exitCode = 2;
}

function main(): void {
  const seed = Number(values.seed);
  const fuzzers = FUZZ_TARGETS.map((target, index) => new Fuzzer(target, seed + index));
  const file = values.replay ?? CORPUS;
  const crash = feedFile(fuzzers, file) ?? (values.replay ? undefined : fuzz(fuzzers));
  if (crash !== undefined) tell(crash);
  else if (values.replay === undefined) save(fuzzers);
  const targets = fuzzers.map((fuzzer) => ({
    target: fuzzer.target.name,
    inputs: fuzzer.runs,
    outcomes: fuzzer.outcomes().size,
    kept: fuzzer.corpus.length,
    slowestUs: fuzzer.slowestUs,
  }));
  process.stdout.write(`${JSON.stringify({ suite, seed, targets })}\n`);
}

function feedFile(fuzzers: readonly Fuzzer[], file: string): Crash | undefined {
  if (!existsSync(file)) return undefined;
  for (const { target, input } of readCorpus(readFileSync(file, "utf8"))) {
    const crash = fuzzers.find((fuzzer) => fuzzer.target.name === target)?.feed(input);
    if (crash !== undefined) return crash;
  }
  return undefined;
}

function fuzz(fuzzers: readonly Fuzzer[]): Crash | undefined {
  const endMs = performance.now() + Number(values.minutes) * MINUTE_MS;
  let shownMs = performance.now();
  while (performance.now() < endMs) {
    for (const fuzzer of fuzzers) {
      for (let left = SLICE; left > 0; left--) {
        const crash = fuzzer.step();
        if (crash !== undefined) return crash;
      }
    }
    if (performance.now() - shownMs < PROGRESS_MS) continue;
    shownMs = performance.now();
    const runs = fuzzers.map(({ target, runs: count }) => `${target.name} ${count}`);
    process.stderr.write(`${runs.join(", ")} inputs\n`);
  }
  return undefined;
}

function tell({ target, input, error }: Crash): void {
  mkdirSync(dirname(CRASH), { recursive: true });
  writeFileSync(CRASH, writeCorpus([{ target, input }]));
  process.stderr.write(`${target}: ${error.stack ?? error.message}\n`);
  process.stderr.write(`play it again with: npm run fuzz -- link --replay ${CRASH}\n`);
  process.exitCode = 1;
}

function save(fuzzers: readonly Fuzzer[]): void {
  mkdirSync(dirname(CORPUS), { recursive: true });
  const kept = fuzzers.flatMap(({ target, corpus }) =>
    corpus.map((input) => ({ target: target.name, input })),
  );
  writeFileSync(CORPUS, writeCorpus(kept));
}
