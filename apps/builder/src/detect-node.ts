import type { PlanStep } from "@zeroplane/deploy-api";
import { execForm } from "./command-line.ts";
import type { Detected } from "./detect.ts";
import { STATIC_SERVER } from "./detect-static.ts";
import { firstFile, isObject, type JsonObject, jsonObject, textIn } from "./source-tree.ts";

const ENTRIES = ["server.js", "index.js", "server.mjs", "index.mjs", "app.js", "server.ts"];
const LOCKS = ["npm-shrinkwrap.json", "package-lock.json"];
const FOREIGN_LOCKS = ["yarn.lock", "pnpm-lock.yaml", "bun.lock"];
const INSTALL_MS = 10 * 60_000;
const BUILD_MS = 15 * 60_000;
const QUIET = ["--no-audit", "--no-fund", "--prefer-offline"];

/** Fields of package.json that make an install necessary. */
const DEPENDENCY_FIELDS = ["dependencies", "devDependencies", "optionalDependencies", "workspaces"];

/**
 * A Node app: anything with a package.json, or with a server.js or index.js.
 * @param dir root of the source
 * @returns undefined when it is none
 */
export async function detectNode(dir: string): Promise<Detected | undefined> {
  const text = await textIn(dir, "package.json");
  const entry = await firstFile(dir, ENTRIES);
  if (text === undefined) {
    if (entry === undefined) return undefined;
    return { provider: "node", evidence: [`${entry} found`], steps: [], web: `exec node ${entry}` };
  }
  const manifest = jsonObject("package.json", text);
  const scripts = isObject(manifest["scripts"]) ? manifest["scripts"] : {};
  const evidence = ["package.json found"];
  const steps = await installSteps(dir, manifest, evidence);
  if (typeof scripts["build"] === "string") {
    evidence.push("package.json has a build script");
    steps.push({ name: "build", command: ["npm", "run", "build"], timeoutMs: BUILD_MS });
  }
  const web = await startOf(dir, manifest, evidence);
  const prelude = 'export PATH="$PWD/node_modules/.bin:$PATH"; ';
  if (web !== undefined) return { provider: "node", evidence, steps, web, prelude };
  if (typeof scripts["build"] !== "string") return { provider: "node", evidence, steps, prelude };
  evidence.push("no start command, so dist/ is served as a static site after the build");
  return { provider: "static", evidence, steps, web: `exec node ${STATIC_SERVER} dist` };
}

async function installSteps(
  dir: string,
  manifest: JsonObject,
  evidence: string[],
): Promise<PlanStep[]> {
  const step = { name: "install", timeoutMs: INSTALL_MS };
  const lock = await firstFile(dir, LOCKS);
  if (lock !== undefined) {
    evidence.push(`${lock} found, so npm ci`);
    return [{ ...step, command: ["npm", "ci", ...QUIET] }];
  }
  const needs = DEPENDENCY_FIELDS.filter((field) => {
    const value = manifest[field];
    return typeof value === "object" && value !== null && Object.keys(value).length > 0;
  });
  if (needs.length === 0) {
    evidence.push("no dependencies, so nothing to install");
    return [];
  }
  const foreign = await firstFile(dir, FOREIGN_LOCKS);
  if (foreign !== undefined) evidence.push(`${foreign} is not read; only npm is supported`);
  evidence.push(`${needs.join(", ")} without a package-lock.json, so npm install`);
  return [{ ...step, command: ["npm", "install", "--no-package-lock", ...QUIET] }];
}

async function startOf(
  dir: string,
  manifest: JsonObject,
  evidence: string[],
): Promise<string | undefined> {
  const scripts = isObject(manifest["scripts"]) ? manifest["scripts"] : {};
  const start = scripts["start"];
  if (typeof start === "string" && start.trim() !== "") {
    evidence.push(`package.json starts it with: ${start}`);
    return scripts["prestart"] === undefined ? execForm(start) : "exec npm start";
  }
  const main = manifest["main"];
  const entry = await firstFile(dir, typeof main === "string" ? [main, ...ENTRIES] : ENTRIES);
  if (entry === undefined) return undefined;
  evidence.push(entry === main ? `package.json names main ${entry}` : `${entry} found`);
  return `exec node ${quoted(entry)}`;
}

function quoted(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
