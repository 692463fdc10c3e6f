import type { Command } from "commander";
import { wholeNumber } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit-code.ts";
import { Interrupts } from "../interrupts.ts";
import type { LoadReport } from "../load.ts";
import { remoteCommand, withExamples } from "../remote-command.ts";
import { safe } from "../render/text.ts";
import { formatMs } from "../render/units.ts";
import type { RemoteOptions } from "../service/remote.ts";

interface BenchOptions extends RemoteOptions {
  readonly concurrency: number;
  readonly duration: number;
}

const DURATION_S = 5;
const DURATION_MAX_S = 3_600;
const CONCURRENCY = 16;
const CONCURRENCY_MAX = 10_000;
const BAR_WIDTH = 40;
const US_A_MS = 1_000;

/** `zp bench`. */
export function addBench(program: Command, context: Context): void {
  withExamples(
    remoteCommand(
      program,
      "bench <endpoint> <method> [arguments...]",
      "call a method as often as it goes, and show how long it takes",
    )
      .option("--concurrency <n>", "calls at a time", wholeNumber(1, CONCURRENCY_MAX), CONCURRENCY)
      .option("--duration <s>", "for how long", wholeNumber(1, DURATION_MAX_S), DURATION_S)
      .action((endpoint: string, method: string, words: string[], options: BenchOptions) =>
        bench({ endpoint, method, words }, options, context),
      ),
    "zp bench tcp://127.0.0.1:4242 quote ZP",
    "zp bench prices quote ZP --concurrency 64 --duration 10 --json",
  );
}

async function bench(
  what: { readonly endpoint: string; readonly method: string; readonly words: readonly string[] },
  options: BenchOptions,
  context: Context,
): Promise<void> {
  using interrupts = new Interrupts();
  const [{ openRemote }, { callArguments }, { Load }] = await Promise.all([
    import("../service/remote.ts"),
    import("../service/call-arguments.ts"),
    import("../load.ts"),
  ]);
  await using remote = await openRemote(what.endpoint, options, context);
  const { method, words } = what;
  const sources = { cwd: context.cwd, stdin: process.stdin };
  const args = await callArguments(await remote.describe(), method, words, sources);
  const { concurrency, duration } = options;
  const { terminal } = context;
  terminal.note(
    `${method} of ${safe(remote.target.name)}: ${concurrency} at a time, ${duration} s`,
  );
  const load = new Load(remote.client, method, args);
  const report = await load.run({
    concurrency,
    durationMs: duration * 1_000,
    signal: interrupts.signal,
  });
  if (report.calls === report.failed) context.exitCode = EXIT.failure;
  if (options.json) terminal.json(report);
  else terminal.print(...reportLines(report, context));
}

function reportLines(report: LoadReport, { terminal: { style } }: Context): string[] {
  const { calls, failed, perSecond, p50Us, p90Us, p99Us, maxUs, histogram, errors } = report;
  const ms = (us: number): string => formatMs(us / US_A_MS);
  const most = Math.max(1, ...histogram.map(({ count }) => count));
  const bars = histogram.map(({ toUs, count }) => {
    const bar = "█".repeat(Math.ceil((count / most) * BAR_WIDTH));
    return `  ≤ ${ms(toUs).padStart(8)} ${style.accent(bar)} ${count}`;
  });
  const failures = Object.entries(errors).map(([code, n]) => style.bad(`  ${n} × ${safe(code)}`));
  return [
    `${style.bold(`${Math.round(perSecond)}/s`)}  ${calls} calls, ${failed} failed`,
    `p50 ${ms(p50Us)}  p90 ${ms(p90Us)}  p99 ${ms(p99Us)}  max ${ms(maxUs)}`,
    ...bars,
    ...failures,
  ];
}
