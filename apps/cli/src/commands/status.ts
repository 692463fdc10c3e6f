import type { ProcessInfo, ProcessStats } from "@zeroplane/runtime";
import type { Command } from "commander";
import type { Access } from "../access.ts";
import { platformCommand } from "../command.ts";
import type { Context, PlatformOptions } from "../context.ts";
import type { NodeRecord } from "../platform/platform-file.ts";
import type { Style } from "../render/style.ts";
import type { Cell } from "../render/table.ts";
import { formatAgo, formatBytes, formatMs } from "../render/units.ts";

/** A process, and what it says of itself when it answers. */
interface Seen extends NodeRecord {
  readonly stats?: ProcessStats;
}

const ASK_MS = 2_000;
const PERCENT = 100;

/** `zp status`. */
export function addStatus(program: Command, context: Context): void {
  platformCommand(program, "status", "every process of the platform, and what it is doing").action(
    (options: PlatformOptions) => status(options, context),
  );
}

async function status(options: PlatformOptions, context: Context): Promise<void> {
  await using access = await context.open(options);
  const api = await access.api();
  const [platform, processes] = await Promise.all([api.platform.status(), askAll(access)]);
  const { terminal } = context;
  if (options.json) return terminal.json({ ...platform, processes });
  const { style } = terminal;
  const load = new Map([
    ...platform.routers.map(({ node, url }) => [node, url] as const),
    ...platform.runners.map(({ node, instances: n }) => [node, counted(n, "instance")] as const),
    ...platform.builders.map(({ node, running, up }) => {
      return [node, up ? counted(running, "build") : "down"] as const;
    }),
  ]);
  const known = new Set(processes.map(({ node }) => node));
  // Over a remote connection most processes are known by name only.
  const others = [...load].filter(([node]) => !known.has(node));
  const rows = [
    ...processes.map((seen) => toRow(seen, load.get(seen.node) ?? "", style)),
    ...others.map(([node, text]) => [node, "-", "-", "-", "-", "-", text]),
  ];
  const head = ["PROCESS", "STATE", "UP", "MEMORY", "CPU", "LOOP", ""];
  terminal.table(head, rows, "no processes");
  const builds = Object.entries(platform.builds).filter(([, count]) => count > 0);
  const told = builds.map(([state, count]) => `${count} ${state}`).join(", ") || "none";
  terminal.print("", `builds: ${told}`);
}

const counted = (count: number, what: string): string =>
  `${count} ${what}${count === 1 ? "" : "s"}`;

async function askAll(access: Access): Promise<Seen[]> {
  return Promise.all(
    access.location.nodes.map(async (node) => {
      const client = access.connect<{ process: ProcessInfo }>(
        { ...node, name: node.node },
        { timeoutMs: ASK_MS },
      );
      const stats = await client.process.stats().catch(() => undefined);
      return stats === undefined ? node : { ...node, stats };
    }),
  );
}

function toRow({ node, stats }: Seen, load: string, style: Style): Cell[] {
  if (stats === undefined) {
    const silent = { text: "no answer", paint: (text: string) => style.bad(text) };
    return [node, silent, "-", "-", "-", "-", load];
  }
  const { uptimeMs, memoryBytes, cpuMs, loopBusy } = stats;
  return [
    node,
    { text: "up", paint: (text) => style.good(text) },
    formatAgo(uptimeMs),
    formatBytes(memoryBytes),
    formatMs(cpuMs),
    `${(loopBusy * PERCENT).toFixed(1)} %`,
    load,
  ];
}
