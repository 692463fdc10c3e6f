/** `npm run bench -- <suite> [--quick] [--json]`: measures us beside others, in one run, interleaved. */
import { parseArgs } from "node:util";
import { cli } from "./suites/cli.ts";
import { introspect } from "./suites/introspect.ts";
import { link } from "./suites/link.ts";
import { patterns } from "./suites/patterns.ts";
import { rpc } from "./suites/rpc.ts";
import type { Suite, SuiteReport } from "./suites/suite.ts";

const SUITES = {
  rpc: report(rpc),
  link: report(link),
  introspect: report(introspect),
  cli: report(cli),
  patterns: report(patterns),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
const [name = "rpc"] = positionals;
if (name in SUITES) await SUITES[name as keyof typeof SUITES]();
else {
  process.stderr.write(`no suite ${JSON.stringify(name)}; there is: ${Object.keys(SUITES)}\n`);
  process.exitCode = 2;
}

function report<R extends SuiteReport>(suite: Suite<R>): () => Promise<void> {
  return async () => {
    const result = await suite.run(values.quick);
    process.stderr.write(`${suite.table(result)}\n`);
    process.stdout.write(`${JSON.stringify(values.json ? result : result.ratios)}\n`);
  };
}
