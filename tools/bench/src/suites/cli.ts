import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Suite } from "./suite.ts";

/** How long a command takes from start to end, milliseconds. */
export interface StartRow {
  readonly command: string;
  readonly medianMs: number;
  readonly spread: readonly [lowest: number, highest: number];
  readonly goalMs: number | undefined;
}

/** Commands beside an empty Node; a ratio is ours over Node's. */
export interface CliReport {
  readonly suite: "cli";
  readonly ratios: Readonly<Record<string, number>>;
  readonly rows: readonly StartRow[];
}

const BIN = fileURLToPath(new URL("../../../../apps/cli/bin/zp.js", import.meta.url));
const SERVICE = "export function add(a, b) { return a + b; }\n";
const ROUNDS = 21;
const QUICK_ROUNDS = 5;
/** Rounds that fill the cache of compiled code. */
const WARM = 2;

/** How soon `zp` is there. */
export const cli: Suite<CliReport> = {
  run: async (isQuick) => {
    const folder = mkdtempSync(join(tmpdir(), "zp-bench-"));
    const env = { ...process.env, ZP_RUN_DIR: folder };
    const file = join(folder, "sums.mjs");
    writeFileSync(file, SERVICE);
    const server = spawn(process.execPath, [BIN, "serve", file, "--json"], {
      env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    try {
      const [ready] = (await once(createInterface({ input: server.stderr }), "line")) as [string];
      const { endpoints } = JSON.parse(ready) as { endpoints: [string] };
      const [endpoint] = endpoints;
      const commands: readonly (readonly [string, readonly string[], number?])[] = [
        ["node -e 0", ["-e", "0"]],
        ["zp --version", [BIN, "--version"], 150],
        ["zp call", [BIN, "call", endpoint, "add", "1", "2"], 300],
        ["zp --help", [BIN, "--help"]],
      ];
      return reportOf(await measure(commands, env, isQuick ? QUICK_ROUNDS : ROUNDS));
    } finally {
      server.kill();
      rmSync(folder, { recursive: true, force: true });
    }
  },
  table: ({ rows }) =>
    rows
      .map(({ command, medianMs, spread, goalMs }) => {
        const goal = goalMs === undefined ? "" : `goal ${goalMs} ms`;
        return `${command.padEnd(14)} ${medianMs.toFixed(0).padStart(5)} ms (${spread.map((ms) => ms.toFixed(0)).join("-")})  ${goal}`;
      })
      .join("\n"),
};

async function measure(
  commands: readonly (readonly [string, readonly string[], number?])[],
  env: NodeJS.ProcessEnv,
  rounds: number,
): Promise<StartRow[]> {
  const times = commands.map((): number[] => []);
  for (let round = -WARM; round < rounds; round++) {
    for (const [at, [, args]] of commands.entries()) {
      const startedAtMs = performance.now();
      const [code] = (await once(
        spawn(process.execPath, args, { env, stdio: "ignore" }),
        "exit",
      )) as [number];
      if (code !== 0) throw new Error(`${args.join(" ")} ended with ${code}`);
      if (round >= 0) times[at]?.push(performance.now() - startedAtMs);
    }
  }
  return commands.map(([command, , goalMs], at) => {
    const sorted = (times[at] ?? []).toSorted((a, b) => a - b);
    const medianMs = sorted[sorted.length >> 1] ?? 0;
    return { command, medianMs, spread: [sorted[0] ?? 0, sorted.at(-1) ?? 0], goalMs };
  });
}

function reportOf(rows: readonly StartRow[]): CliReport {
  const [bare, ...ours] = rows;
  const ratios = ours.map(({ command, medianMs }) => [command, medianMs / (bare?.medianMs ?? 1)]);
  return { suite: "cli", ratios: Object.fromEntries(ratios) as Record<string, number>, rows };
}
