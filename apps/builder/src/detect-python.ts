import { readdir } from "node:fs/promises";
import { join } from "node:path";
import type { PlanStep } from "@zeroplane/deploy-api";
import type { Detected } from "./detect.ts";
import { firstFile, textIn } from "./source-tree.ts";

const ENTRIES = ["app.py", "main.py", "server.py"];
const PACKAGES = ".python-packages";
const INSTALL_MS = 10 * 60_000;
const PIP = (
  "python3 -m pip install --no-input --no-compile " +
  "--disable-pip-version-check --retries 1 --timeout 15"
).split(" ");

/**
 * A Python app: app.py, main.py, server.py, requirements.txt or pyproject.toml. Packages go to a
 * folder of the artifact, because a virtual environment does not survive a move.
 * @param dir root of the source
 * @returns undefined when it is none
 */
export async function detectPython(dir: string): Promise<Detected | undefined> {
  const entry = await firstFile(dir, ENTRIES);
  const listed = await firstFile(dir, ["requirements.txt", "pyproject.toml"]);
  if (entry === undefined && listed === undefined) return undefined;
  const evidence = [listed, entry].filter((name) => name !== undefined).map((n) => `${n} found`);
  const steps = await installSteps(dir, evidence);
  const paths = `PYTHONPATH="$PWD/${PACKAGES}" PATH="$PWD/${PACKAGES}/bin:$PATH"`;
  return {
    provider: "python",
    evidence,
    steps,
    prelude: `export PYTHONUNBUFFERED=1${steps.length > 0 ? ` ${paths}` : ""}; `,
    ...(entry === undefined ? {} : { web: `exec python3 ${entry}` }),
  };
}

async function installSteps(dir: string, evidence: string[]): Promise<PlanStep[]> {
  const what = await whatToInstall(dir);
  if (what.length === 0) {
    evidence.push("no packages named, so nothing to install");
    return [];
  }
  const vendored = await hasWheels(dir);
  if (vendored) evidence.push("wheels in vendor/, so no package index is used");
  const from = vendored ? ["--no-index", "--find-links", "vendor"] : [];
  const command = [...PIP, "--target", PACKAGES, ...from, ...what];
  return [{ name: "install", command, timeoutMs: INSTALL_MS }];
}

async function whatToInstall(dir: string): Promise<string[]> {
  const requirements = await textIn(dir, "requirements.txt");
  if (requirements !== undefined) {
    const names = requirements.split("\n").filter((line) => /^\s*[^#\s]/.test(line));
    return names.length > 0 ? ["-r", "requirements.txt"] : [];
  }
  const project = (await textIn(dir, "pyproject.toml")) ?? "";
  return /^\s*dependencies\s*=\s*\[\s*["'\n]/m.test(project) ? ["."] : [];
}

async function hasWheels(dir: string): Promise<boolean> {
  const names = await readdir(join(dir, "vendor")).catch(() => []);
  return names.some((name) => name.endsWith(".whl"));
}
