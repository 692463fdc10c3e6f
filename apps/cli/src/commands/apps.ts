import { createInterface } from "node:readline/promises";
import type { App } from "@zeroplane/deploy-api";
import type { Command } from "commander";
import { CliError, usage } from "../cli-error.ts";
import { nounCommand, platformCommand } from "../command.ts";
import type { Context, PlatformOptions } from "../context.ts";
import type { Style } from "../render/style.ts";
import type { Cell } from "../render/table.ts";
import { safe } from "../render/text.ts";
import { formatAgo } from "../render/units.ts";
import { originOf } from "../source/origin.ts";

interface DestroyOptions extends PlatformOptions {
  readonly yes?: boolean;
}

/** `zp apps`, `zp apps create`, `zp apps destroy`. */
export function addApps(program: Command, context: Context): void {
  const apps = platformCommand(program, "apps", "list, create and destroy apps");
  nounCommand(apps, (options) => list(options, context));
  platformCommand(apps, "create <name>", "create an app without deploying it yet").action(
    (name: string, options: PlatformOptions) => create(name, options, context),
  );
  platformCommand(apps, "destroy <name>", "stop an app and forget it")
    .option("--yes", "do not ask")
    .action((name: string, options: DestroyOptions) => destroy(name, options, context));
}

async function list(options: PlatformOptions, context: Context): Promise<void> {
  await using access = await context.open(options);
  const apps = await (await access.api()).apps.list();
  const { terminal } = context;
  if (options.json) return terminal.json(apps);
  const rows = apps.map((app) => toRow(app, terminal.style));
  const empty = "no apps yet; deploy a folder with: zp deploy";
  terminal.table(["APP", "RELEASE", "STATE", "URL", "AGE", "FROM"], rows, empty);
}

function toRow({ name, release, url, instances, createdAtMs, origin }: App, style: Style): Cell[] {
  const states = instances.map(({ state }) => state);
  const state = states.find((each) => each !== "healthy") ?? states[0] ?? "-";
  const paint = (text: string): string =>
    state === "healthy" ? style.good(text) : state === "-" ? style.dim(text) : style.bad(text);
  const age = formatAgo(Date.now() - createdAtMs);
  return [name, release ?? "-", { text: state, paint }, url ?? "-", age, origin || "-"];
}

async function create(name: string, options: PlatformOptions, context: Context): Promise<void> {
  await using access = await context.open(options);
  const app = await (await access.api()).apps.create(name, await originOf(context.cwd));
  if (options.json) context.terminal.json(app);
  else context.terminal.print(safe(app.name));
}

async function destroy(name: string, options: DestroyOptions, context: Context): Promise<void> {
  await using access = await context.open(options);
  const api = await access.api();
  await api.apps.get(name);
  if (options.yes !== true) await confirm(name);
  await api.apps.destroy(name);
  if (options.json) context.terminal.json({ destroyed: name });
  else context.terminal.note(`destroyed ${safe(name)}`);
}

async function confirm(name: string): Promise<void> {
  if (!process.stdin.isTTY) throw usage(`this stops ${name} for good; say so with --yes`);
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question(`this stops ${name} for good; type its name to go on: `);
    if (answer.trim() !== name) throw new CliError("ERR_CLI_CANCELLED", "nothing was done");
  } finally {
    prompt.close();
  }
}
