import type { Deploy } from "@zeroplane/deploy-api";
import type { Command } from "commander";
import { nounCommand, platformCommand, wholeNumber } from "../command.ts";
import type { Context, PlatformOptions } from "../context.ts";
import { DeployFollower, printOutcome } from "../deploy-follower.ts";
import { Interrupts } from "../interrupts.ts";
import type { Style } from "../render/style.ts";
import type { Cell } from "../render/table.ts";
import { formatAgo, formatMs } from "../render/units.ts";

interface ListOptions extends PlatformOptions {
  readonly app?: string;
  readonly count: number;
}

interface WatchOptions extends PlatformOptions {
  readonly verbose?: boolean;
}

const COUNT = 20;
const COUNT_MAX = 1_000;

/** `zp deploys`, `zp deploys watch`. */
export function addDeploys(program: Command, context: Context): void {
  const deploys = platformCommand(program, "deploys", "list deploys, or watch one")
    .option("--app <name>", "of this app only")
    .option("-n, --count <n>", "how many at most", wholeNumber(1, COUNT_MAX), COUNT);
  nounCommand(deploys, (options) => list(options as unknown as ListOptions, context));
  platformCommand(deploys, "watch <id>", "follow a deploy from its beginning to its end")
    .option("--verbose", "show the build's output even when this is no terminal")
    .action((id: string, options: WatchOptions) => watch(id, options, context));
}

async function list(options: ListOptions, context: Context): Promise<void> {
  await using access = await context.open(options);
  const api = await access.api();
  if (options.app !== undefined) await api.apps.get(options.app);
  const deploys = await api.deploys.list(options.app, options.count);
  const { terminal } = context;
  if (options.json) return terminal.json(deploys);
  const rows = deploys.map((deploy) => toRow(deploy, terminal.style));
  const head = ["DEPLOY", "APP", "RELEASE", "STATE", "TOOK", "AGO", "BUILDER", "TRACE"];
  terminal.table(head, rows, "no deploys yet");
}

function toRow(deploy: Deploy, style: Style): Cell[] {
  const { id, app, release, state, createdAtMs, finishedAtMs, build, traceId, failure } = deploy;
  const paint = (text: string): string => {
    if (state === "live") return style.good(text);
    return state === "failed" ? style.bad(text) : style.warn(text);
  };
  const told = failure === undefined ? state : `${state} (${failure.phase})`;
  return [
    id,
    app,
    release ?? "-",
    { text: told, paint },
    finishedAtMs === undefined ? "-" : formatMs(finishedAtMs - createdAtMs),
    formatAgo(Date.now() - createdAtMs),
    build?.builder ?? "-",
    traceId ?? "-",
  ];
}

async function watch(id: string, options: WatchOptions, context: Context): Promise<void> {
  await using access = await context.open(options);
  const api = await access.api();
  await api.deploys.get(id);
  using interrupts = new Interrupts();
  const follower = new DeployFollower(access, context.terminal, {
    signal: interrupts.signal,
    verbose: options.verbose === true,
  });
  const { deploy, times } = await follower.follow(api, id);
  context.exitCode = printOutcome({ deploy, times }, context.terminal, options);
}
