import { setTimeout as sleep } from "node:timers/promises";
import type { LogEntry, TailQuery } from "@zeroplane/log-hub";
import type { Command } from "commander";
import type { Access } from "../access.ts";
import { usage } from "../cli-error.ts";
import { platformCommand, wholeNumber } from "../command.ts";
import type { Context, PlatformOptions } from "../context.ts";
import { EXIT, exitCodeOf } from "../exit-code.ts";
import { Interrupts } from "../interrupts.ts";
import type { Style } from "../render/style.ts";
import type { Terminal } from "../render/terminal.ts";
import { safe } from "../render/text.ts";
import { formatTime } from "../render/units.ts";

interface Options extends PlatformOptions {
  readonly follow?: boolean;
  readonly lines: number;
  readonly build?: string;
  readonly service?: string;
  readonly trace?: string;
}

const LINES = 100;
const LINES_MAX = 10_000;
const HOUR_MS = 3_600_000;
const BREAKS_MAX = 20;
const PAUSE_MS = 500;
const WARN_LEVEL = 40;
const ERROR_LEVEL = 50;

/** `zp logs`. */
export function addLogs(program: Command, context: Context): void {
  platformCommand(program, "logs [app]", "lines of an app, a build, or the platform itself")
    .option("-f, --follow", "go on with new lines as they come")
    .option("-n, --lines <n>", "lines of the past", wholeNumber(0, LINES_MAX), LINES)
    .option("--build <deploy>", "what the build of a deploy printed")
    .option("--service <name>", "lines of a kind of process of the platform")
    .option("--trace <id>", "lines that belong to a trace")
    .action((app: string | undefined, options: Options) => logs(app, options, context));
}

async function logs(app: string | undefined, options: Options, context: Context): Promise<void> {
  const { build: deploy, service, trace: traceId } = options;
  if (app === undefined && deploy === undefined && service === undefined && traceId === undefined) {
    throw usage("say whose lines: zp logs APP, --build DEPLOY, --service NAME or --trace ID");
  }
  await using access = await context.open(options);
  if (app !== undefined) await (await access.api()).apps.get(app);
  if (deploy !== undefined) await (await access.api()).deploys.get(deploy);
  using interrupts = new Interrupts();
  const query: TailQuery = {
    lines: options.lines,
    follow: options.follow === true,
    ...(app !== undefined && { app }),
    ...(deploy !== undefined && { deploy }),
    ...(service !== undefined && { service }),
    ...(traceId !== undefined && { traceId }),
  };
  const { terminal } = context;
  for await (const entry of tail(access, query, interrupts.signal)) {
    print(entry, terminal, options.json === true);
  }
}

/** Lines as they come; when following, a broken connection is taken up after the last line. */
async function* tail(
  access: Access,
  query: TailQuery,
  signal: AbortSignal,
): AsyncGenerator<LogEntry> {
  let afterSeq: number | undefined;
  for (let breaks = 0; !signal.aborted; breaks++) {
    try {
      const hub = await access.logHub({ signal, timeoutMs: HOUR_MS });
      const lines = afterSeq === undefined ? query.lines : LINES_MAX;
      const wanted = { ...query, ...(lines !== undefined && { lines }) };
      const stream = hub.logs.tail({ ...wanted, ...(afterSeq !== undefined && { afterSeq }) });
      for await (const entry of stream) {
        afterSeq = entry.seq;
        breaks = 0;
        yield entry;
      }
      if (query.follow !== true) return;
    } catch (error) {
      if (signal.aborted) return;
      const mayPass = query.follow === true && exitCodeOf(error) === EXIT.transient;
      if (!mayPass || breaks >= BREAKS_MAX) throw error;
    }
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => undefined);
  }
}

function print(entry: LogEntry, terminal: Terminal, json: boolean): void {
  if (json) terminal.json(entry, { oneLine: true });
  else terminal.print(lineOf(entry, terminal.style));
}

/** `14:03:21.250 hello-v1-1 | GET /`. */
export function lineOf({ atMs, topic, text, stream, level }: LogEntry, style: Style): string {
  const [kind, name = "", last = ""] = topic.split(".");
  const whose = safe(kind === "build" ? `build ${last}` : last || name);
  const line = safe(text);
  const isBad = stream === "err" || (level ?? 0) >= ERROR_LEVEL;
  const isWarning = !isBad && (level ?? 0) >= WARN_LEVEL;
  const told = isBad ? style.bad(line) : isWarning ? style.warn(line) : line;
  return `${style.dim(`${formatTime(atMs)} ${whose} |`)} ${told}`;
}
