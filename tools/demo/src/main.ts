/**
 * The whole platform, deploying three real apps and one that is broken on purpose, through the same
 * `zp` that a user has.
 *
 *     npm run demo                     on this machine; leaves the platform running
 *     npm run demo -- --once --json    stops at the end; the last line is the result
 *     npm run demo -- --compose        against `docker compose up --build --wait`
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { startHere, useCompose } from "./platform.ts";
import {
  type AppReport,
  deployApp,
  deployBroken,
  type FailedReport,
  SERVICES,
} from "./scenario.ts";
import type { Zp } from "./zp.ts";

interface Report {
  readonly ok: boolean;
  readonly apps: readonly AppReport[];
  readonly failed?: FailedReport;
  readonly problem?: string;
}

const APPS = [
  ["hello-node", "node-express"],
  ["words-python", "python-stdlib"],
  ["pages-static", "static-site"],
] as const;

const { values } = parseArgs({
  options: {
    once: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    compose: { type: "boolean", default: false },
    data: { type: "string" },
  },
});
const temporary = values.once || values.compose;
const folder = temporary
  ? mkdtempSync(join(tmpdir(), "zeroplane-demo-"))
  : resolve(values.data ?? ".zeroplane");
const say = (text: string): void => void process.stderr.write(`${text}\n`);

const report = await run();
if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
process.exitCode = report.ok ? 0 : 1;

async function run(): Promise<Report> {
  try {
    say("\n── the platform\n");
    const platform = values.compose ? useCompose(folder) : await startHere(folder);
    try {
      return await show(platform.zp);
    } finally {
      if (values.once) await platform.stop();
    }
  } catch (error) {
    say(`the demo failed: ${String(error)}`);
    return { ok: false, apps: [], problem: String(error) };
  } finally {
    if (temporary) rmSync(folder, { recursive: true, force: true });
  }
}

async function show(zp: Zp): Promise<Report> {
  const apps: AppReport[] = [];
  for (const [name, sample] of APPS) {
    say(`\n── deploying ${name}\n`);
    apps.push(await deployApp(zp, name, sample));
  }
  say("\n── what the Node app has logged\n");
  say((await zp.run(["logs", "hello-node", "-n", "8"])).out);
  say("── a deploy that cannot succeed: its build fails\n");
  const failed = await deployBroken(zp, "broken", "broken-build");
  const [first] = apps;
  say(`\n── where the time of the first deploy went\n`);
  say((await zp.run(["trace", first?.traceId ?? ""])).out);
  say("── all of it\n");
  say((await zp.run(["status"])).out);
  say((await zp.run(["apps"])).out);
  const problem = apps.map(problemOf).find((each) => each !== undefined);
  if (!values.once && !values.compose) {
    say("the platform goes on: look at the addresses above; stop it with: npx zp down");
  }
  return { ok: problem === undefined, apps, failed, ...(problem !== undefined && { problem }) };
}

function problemOf({ name, status, services }: AppReport): string | undefined {
  if (status !== 200) return `${name} answered ${status}`;
  const missing = SERVICES.filter((service) => !services.includes(service));
  return missing.length > 0 ? `the trace of ${name} lacks ${missing.join(", ")}` : undefined;
}
