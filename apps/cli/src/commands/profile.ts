import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { ProfileFacts } from "@zeroplane/runtime/process";
import type { Command } from "commander";
import { wholeNumber } from "../command.ts";
import type { Context } from "../context.ts";
import { remoteCommand, withExamples } from "../remote-command.ts";
import { safe } from "../render/text.ts";
import type { RemoteOptions } from "../service/remote.ts";

interface ProfileOptions extends RemoteOptions {
  readonly ms: number;
  readonly intervalUs?: number;
  readonly out?: string;
}

/** As much of a profile as is told of. */
interface Profile {
  readonly samples?: readonly number[];
  readonly zeroplane?: ProfileFacts;
}

const MS = 5_000;
const MS_MAX = 30_000;
const INTERVAL_US = { min: 100, max: 100_000 };

/** `zp profile`. */
export function addProfile(program: Command, context: Context): void {
  withExamples(
    remoteCommand(program, "profile <endpoint>", "where a process spends its CPU time")
      .option("--ms <ms>", "how long", wholeNumber(1, MS_MAX), MS)
      .option(
        "--interval-us <us>",
        "between two samples (1000)",
        wholeNumber(INTERVAL_US.min, INTERVAL_US.max),
      )
      .option("-o, --out <file>", "where it goes (<process>.cpuprofile)")
      .action((endpoint: string, options: ProfileOptions) => profile(endpoint, options, context)),
    "zp profile deploy-api --ms 1000 -o deploy-api.cpuprofile",
    "zp profile tcp://127.0.0.1:4242 --json",
  );
}

async function profile(endpoint: string, options: ProfileOptions, context: Context): Promise<void> {
  const { openRemote } = await import("../service/remote.ts");
  const { processPrefix } = await import("../service/process-questions.ts");
  await using remote = await openRemote(endpoint, options, context);
  const { ms, intervalUs } = options;
  const asked = { ms, ...(intervalUs !== undefined && { intervalUs }) };
  const prefix = await processPrefix(remote);
  const { terminal } = context;
  terminal.note(`profiles ${safe(remote.target.name)} for ${ms} ms`);
  const timeoutMs = ms + options.timeout * 1_000;
  const text = String(await remote.call(`${prefix}profile`, [asked], { timeoutMs }));
  const { samples = [], zeroplane } = JSON.parse(text) as Profile;
  const file = resolve(context.cwd, options.out ?? `${fileName(remote.target.name)}.cpuprofile`);
  await writeFile(file, text);
  const { window, ...about } = zeroplane ?? {};
  const spans = window === undefined ? undefined : window.spans.length + window.more;
  const told = { file, bytes: Buffer.byteLength(text), samples: samples.length, ...about };
  if (options.json) terminal.json({ ...told, ...(window && { window }) });
  else terminal.print(safe(file));
  const open = spans === undefined ? "" : `, ${spans} spans were open meanwhile`;
  terminal.note(`${samples.length} samples${open}; Chrome's DevTools and speedscope.app show it`);
}

/** A name that no file system minds. */
const fileName = (name: string): string => name.replaceAll(/[^\w.-]+/g, "_");
