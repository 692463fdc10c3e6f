import { readdir } from "node:fs/promises";
import type { Plan, PlanStep } from "@zeroplane/deploy-api";
import { BuildError } from "./build-error.ts";
import { execForm } from "./command-line.ts";
import { detectNode } from "./detect-node.ts";
import { detectPython } from "./detect-python.ts";
import { detectStatic } from "./detect-static.ts";
import { type Overrides, readOverrides } from "./overrides.ts";

/** What one detector found, before the author's overrides. */
export interface Detected {
  readonly provider: Plan["provider"];
  readonly evidence: readonly string[];
  readonly steps: readonly PlanStep[];
  /** The start command, when one was found. */
  readonly web?: string;
  /** Shell text before every start command: the search paths of installed packages. */
  readonly prelude?: string;
}

const CUSTOM_STEP_MS = 15 * 60_000;
const LOOKED_FOR =
  "package.json, server.js or index.js (Node); requirements.txt, pyproject.toml, app.py, main.py " +
  "or server.py (Python); index.html at the root or in public/ or dist/ (static); Procfile; " +
  "zeroplane.json";

/**
 * Decides how to build and start a source folder. The answer is plain data with its reasons.
 * Order: Node, Python, static site; `Procfile` and `zeroplane.json` change what was found.
 * @param dir root of the unpacked source
 * @throws BuildError `ERR_BUILD_DETECT` when nothing tells how to start it, `ERR_BUILD_CONFIG` when
 *   one of the files it reads is malformed
 */
export async function detect(dir: string): Promise<Plan> {
  const overrides = await readOverrides(dir);
  const found = (await detectNode(dir)) ?? (await detectPython(dir)) ?? (await detectStatic(dir));
  const detected = found ?? { provider: "custom", evidence: [], steps: [] };
  const web = startOf(detected, overrides);
  if (web === undefined) throw await nothingFound(dir, found);
  return {
    provider: detected.provider,
    evidence: [...detected.evidence, ...overrides.evidence],
    steps: stepsOf(detected, overrides),
    processes: { ...otherProcesses(detected, overrides), web },
    health: overrides.health,
  };
}

function startOf(detected: Detected, overrides: Overrides): string | undefined {
  const named = overrides.processes["web"];
  const command = named === undefined ? detected.web : execForm(named);
  return command === undefined ? undefined : (detected.prelude ?? "") + command;
}

function otherProcesses(detected: Detected, overrides: Overrides): Record<string, string> {
  const entries = Object.entries(overrides.processes);
  return Object.fromEntries(
    entries.map(([type, command]) => [type, (detected.prelude ?? "") + execForm(command)]),
  );
}

function stepsOf(detected: Detected, overrides: Overrides): readonly PlanStep[] {
  const { build } = overrides;
  if (build === undefined) return detected.steps;
  const custom = build.map((line, index) => ({
    name: build.length === 1 ? "build" : `build-${index + 1}`,
    command: [line],
    shell: true,
    timeoutMs: CUSTOM_STEP_MS,
  }));
  return [...detected.steps.filter((step) => step.name !== "build"), ...custom];
}

async function nothingFound(dir: string, found: Detected | undefined): Promise<BuildError> {
  const names = (await readdir(dir)).filter((name) => name !== ".git").toSorted();
  const hint = `add one of them, or name the command: {"start": "…"} in zeroplane.json`;
  if (found !== undefined) {
    const what = `this looks like a ${found.provider} app (${found.evidence.join("; ")})`;
    const message = `${what} but nothing tells how to start it`;
    const start = found.provider === "node" ? 'a "start" script in package.json' : "app.py";
    const mend = `add ${start}, a Procfile with a web line, or "start" in zeroplane.json`;
    return new BuildError("ERR_BUILD_DETECT", message, { phase: "detect", hint: mend });
  }
  const seen =
    names.length === 0 ? "the source is empty" : `found only ${names.slice(0, 12).join(", ")}`;
  const message = `nothing tells how to run this source: ${seen}; looked for ${LOOKED_FOR}`;
  return new BuildError("ERR_BUILD_DETECT", message, { phase: "detect", hint });
}
