import type { CallFilter, TappedCall } from "@zeroplane/runtime/process";
import { type Command, InvalidArgumentError } from "commander";
import { wholeNumber } from "../command.ts";
import type { Context } from "../context.ts";
import { Interrupts } from "../interrupts.ts";
import { remoteCommand, withExamples } from "../remote-command.ts";
import { pad, padLeft, safe } from "../render/text.ts";
import { formatBytes, formatMs, formatTime } from "../render/units.ts";
import type { RemoteOptions } from "../service/remote.ts";

interface TapOptions extends RemoteOptions {
  readonly method?: string;
  readonly errors?: boolean;
  readonly minMs?: number;
  readonly sample?: number;
  readonly count?: number;
}

const DAY_MS = 86_400_000;
const COUNT_MAX = 1_000_000_000;
const METHOD_WIDTH = 28;

/** `zp tap`. */
export function addTap(program: Command, context: Context): void {
  withExamples(
    remoteCommand(program, "tap <endpoint>", "the calls of a process, as they end")
      .option("--method <text>", "only methods with this in their name")
      .option("--errors", "only calls that failed")
      .option("--min-ms <ms>", "only calls that took so long", wholeNumber(0, DAY_MS))
      .option("--sample <share>", "so many of them, 0.01 is one in a hundred", share)
      .option("-n, --count <n>", "end after so many", wholeNumber(1, COUNT_MAX))
      .action((endpoint: string, options: TapOptions) => tap(endpoint, options, context)),
    "zp tap deploy-api --min-ms 100",
    "zp tap tcp://127.0.0.1:4242 --errors --json",
  );
}

function share(text: string): number {
  const value = Number(text);
  if (value > 0 && value <= 1) return value;
  throw new InvalidArgumentError("give a share above 0 and up to 1.");
}

async function tap(endpoint: string, options: TapOptions, context: Context): Promise<void> {
  using interrupts = new Interrupts();
  const { openRemote } = await import("../service/remote.ts");
  const { processPrefix } = await import("../service/process-questions.ts");
  await using remote = await openRemote(endpoint, options, context);
  const { method, errors, minMs, sample, count = Number.POSITIVE_INFINITY } = options;
  const filter: CallFilter = {
    ...(method !== undefined && { method }),
    ...(errors !== undefined && { errors }),
    ...(minMs !== undefined && { minMs }),
    ...(sample !== undefined && { sample }),
  };
  const prefix = await processPrefix(remote);
  const { callMethod } = await import("@zeroplane/rpc");
  const { terminal } = context;
  const { signal } = interrupts;
  const name = safe(remote.target.name);
  // Nothing may be called for hours.
  const client = remote.client.with({ signal, timeoutMs: DAY_MS });
  const calls = callMethod(client, `${prefix}tap`, [filter]) as AsyncIterable<TappedCall>;
  terminal.note(`calls of ${name}; Ctrl-C ends`);
  let shown = 0;
  try {
    for await (const call of calls) {
      if (options.json) terminal.json(call, { oneLine: true });
      else terminal.print(...linesOf(call, context));
      if (++shown >= count) break;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

function linesOf(call: TappedCall, { terminal: { style } }: Context): string[] {
  const { atMs, method, ms, bytesIn, bytesOut, peer, error, dropped } = call;
  const sizes = `${padLeft(formatBytes(bytesIn), 8)} → ${padLeft(formatBytes(bytesOut), 8)}`;
  const name = pad(safe(method), METHOD_WIDTH);
  const failed = error === undefined ? "" : ` ${style.bad(`✗ ${safe(error)}`)}`;
  const time = padLeft(formatMs(ms), 9);
  const line = `${style.dim(formatTime(atMs))} ${name} ${time} ${sizes} ${style.dim(safe(peer))}${failed}`;
  return dropped > 0 ? [style.warn(`… ${dropped} more`), line] : [line];
}
