import { randomUUID } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Deploy, DeployApi, NewDeploy } from "@zeroplane/deploy-api";
import type { Connected } from "@zeroplane/rpc";
import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { platformCommand } from "../command.ts";
import type { Context, PlatformOptions } from "../context.ts";
import { DeployFollower, printOutcome } from "../deploy-follower.ts";
import { EXIT, exitCodeOf } from "../exit-code.ts";
import { Interrupts } from "../interrupts.ts";
import { phaseLine } from "../render/phases.ts";
import type { Terminal } from "../render/terminal.ts";
import { formatBytes } from "../render/units.ts";
import { appName } from "../source/app-name.ts";
import { originOf } from "../source/origin.ts";

interface Options extends PlatformOptions {
  readonly app?: string;
  readonly follow: boolean;
  readonly verbose?: boolean;
}

interface Job {
  readonly dir: string;
  readonly app: string;
  readonly options: Options;
  readonly context: Context;
  readonly signal: AbortSignal;
}

const TRIES = 3;
const PAUSE_MS = 500;

/** `zp deploy`. */
export function addDeploy(program: Command, context: Context): void {
  platformCommand(program, "deploy [folder]", "build and run a folder (default: this one)")
    .option("--app <name>", "deploy onto this app, wherever it came from")
    .option("--no-follow", "return once the deploy is safely queued")
    .option("--verbose", "show the build's output even when this is no terminal")
    .action((folder: string | undefined, options: Options) => deploy(folder, options, context));
}

async function deploy(
  folder: string | undefined,
  options: Options,
  context: Context,
): Promise<void> {
  const dir = resolve(context.cwd, folder ?? ".");
  const app = await appName(dir, options.app);
  const location = context.locate(options);
  const { inSpan } = await import("@zeroplane/tracing");
  using interrupts = new Interrupts();
  const job = { dir, app, options, context, signal: interrupts.signal };
  await using access = await context.openAt(location, { traced: true });
  const api = await access.api();
  await inSpan("zp deploy", { "zp.app": app }, async () => {
    const startedAtMs = performance.now();
    const source = await bring(job, api);
    const created = await create(job, api, source);
    const { terminal } = context;
    if (!options.follow) {
      if (options.json) terminal.json({ deploy: created });
      else terminal.print(created.id);
      return;
    }
    const follow = { signal: job.signal, verbose: options.verbose === true };
    const outcome = await new DeployFollower(access, terminal, follow).follow(api, created.id);
    const totalMs = performance.now() - startedAtMs;
    context.exitCode = printOutcome(outcome, terminal, { ...options, totalMs });
  });
}

/** Packs the folder and uploads it. @returns the name of its bytes */
async function bring({ dir, context, signal }: Job, api: Connected<DeployApi>): Promise<string> {
  const { pack } = await import("../source/pack.ts");
  const { uploadFile } = await import("@zeroplane/runtime");
  const work = await mkdtemp(join(tmpdir(), "zp-deploy-"));
  const file = join(work, "source.tar.gz");
  const { terminal } = context;
  try {
    let packedBytes = 0;
    await step("pack", terminal, async () => {
      const packed = await pack(dir, file);
      packedBytes = packed.packedBytes;
      const counted = packed.files === 1 ? "1 file" : `${packed.files} files`;
      return `${counted}, ${formatBytes(packed.sourceBytes)} as ${formatBytes(packedBytes)}`;
    });
    let digest = "";
    await step("upload", terminal, async (tell) => {
      let sentBytes = 0;
      digest = await uploadFile(api.with({ signal }).blobs, file, (bytes) => {
        sentBytes = bytes;
        tell(`${formatBytes(bytes)} of ${formatBytes(packedBytes)}`);
      });
      return sentBytes === 0 ? "already there" : formatBytes(sentBytes);
    });
    return digest;
  } catch (error) {
    throw signal.aborted ? new CliError("ERR_CLI_CANCELLED", "nothing was deployed") : error;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Runs one step of this side, a line and a span of its own. */
async function step(
  name: string,
  terminal: Terminal,
  run: (tell: (text: string) => void) => Promise<string>,
): Promise<void> {
  const { inSpan } = await import("@zeroplane/tracing");
  const style = terminal.noteStyle;
  using live = terminal.live();
  const startedAtMs = performance.now();
  const tell = (text: string): void => live.status([`… ${name}  ${text}`]);
  const detail = await inSpan(name, {}, () => run(tell));
  live.print(phaseLine(name, { ms: performance.now() - startedAtMs, detail }, style));
}

/** The same key each time: whoever asks again for fear that it was lost gets the same deploy. */
async function create(job: Job, api: Connected<DeployApi>, source: string): Promise<Deploy> {
  const { app, dir, options, signal } = job;
  const wanted: NewDeploy = {
    app,
    source,
    origin: await originOf(dir),
    onto: options.app === undefined ? "own" : "any",
    key: randomUUID(),
  };
  for (let left = TRIES; ; left--) {
    try {
      return await api.with({ signal }).deploys.create(wanted);
    } catch (error) {
      if (signal.aborted || left <= 1 || exitCodeOf(error) !== EXIT.transient) throw error;
      await sleep(PAUSE_MS);
    }
  }
}
