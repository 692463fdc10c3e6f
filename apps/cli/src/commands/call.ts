import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import { wholeNumber } from "../command.ts";
import type { Context } from "../context.ts";
import { exitCodeOf } from "../exit-code.ts";
import { Interrupts } from "../interrupts.ts";
import { remoteCommand, withExamples } from "../remote-command.ts";
import { errorLines } from "../render/errors.ts";
import { safeLines } from "../render/text.ts";
import type { Remote, RemoteOptions } from "../service/remote.ts";

interface CallOptions extends RemoteOptions {
  readonly repeat: number;
  readonly concurrency: number;
}

interface Call {
  readonly endpoint: string;
  readonly method: string;
  readonly words: readonly string[];
}

const REPEAT_MAX = 1_000_000;
const CONCURRENCY_MAX = 1_000;

/** `zp call`. */
export function addCall(program: Command, context: Context): void {
  const command = remoteCommand(
    program,
    "call <endpoint> <method> [arguments...]",
    "call a method: arguments by its types, @file, or - for standard input",
  )
    .option("--repeat <n>", "make it so often", wholeNumber(1, REPEAT_MAX), 1)
    .option("--concurrency <n>", "so many at a time", wholeNumber(1, CONCURRENCY_MAX), 1)
    .action((endpoint: string, method: string, words: string[], options: CallOptions) =>
      call({ endpoint, method, words }, options, context),
    );
  withExamples(
    command,
    "zp call tcp://127.0.0.1:4242 quote ZP",
    "zp call prices import @prices.json --json",
    "cat numbers.txt | zp call sums total -",
    "zp call deploy-api deploys.list -- shop",
  );
}

async function call(what: Call, options: CallOptions, context: Context): Promise<void> {
  using interrupts = new Interrupts();
  const { openRemote } = await import("../service/remote.ts");
  await using remote = await openRemote(what.endpoint, options, context);
  const { signal } = interrupts;
  const calls = new Calls(what, { remote, context, signal, asJson: options.json === true });
  try {
    await calls.run(options.repeat, options.concurrency);
  } catch (error) {
    if (signal.aborted) throw new CliError("ERR_CLI_CANCELLED", "cancelled, there too");
    throw error;
  }
}

/** What calls are made with. */
interface CallTools {
  readonly remote: Remote;
  readonly context: Context;
  readonly signal: AbortSignal;
  readonly asJson: boolean;
}

/** One call, or the same one again and again. */
class Calls {
  readonly #what: Call;
  readonly #tools: CallTools;
  #left = 0;

  constructor(what: Call, tools: CallTools) {
    this.#what = what;
    this.#tools = tools;
  }

  async run(repeat: number, concurrency: number): Promise<void> {
    const { remote, context, signal } = this.#tools;
    const { callArguments } = await import("../service/call-arguments.ts");
    const { method, words } = this.#what;
    const sources = { cwd: context.cwd, stdin: process.stdin };
    const args = await callArguments(await remote.describe(), method, words, sources);
    if (repeat === 1) return this.#one(args);
    this.#left = repeat;
    const lanes = Array.from({ length: Math.min(repeat, concurrency) }, () => this.#lane(args));
    await Promise.all(lanes);
    signal.throwIfAborted();
  }

  /** A call that fails is told, and the others are made. */
  async #lane(args: readonly unknown[]): Promise<void> {
    const { context, signal } = this.#tools;
    while (this.#left-- > 0 && !signal.aborted) {
      try {
        await this.#one(args);
      } catch (error) {
        const { terminal } = context;
        for (const line of errorLines(error, terminal.noteStyle)) terminal.note(line);
        context.exitCode ??= exitCodeOf(error);
      }
    }
  }

  async #one(args: readonly unknown[]): Promise<void> {
    const { remote, context, signal, asJson } = this.#tools;
    const { callMethod } = await import("@zeroplane/rpc/client");
    const answer = await callMethod(remote.client.with({ signal }), this.#what.method, args);
    if (!isIterable(answer)) return print(answer, context, asJson);
    for await (const item of answer) context.terminal.json(item, { oneLine: true });
    signal.throwIfAborted();
  }
}

const isIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === "object" && value !== null && Symbol.asyncIterator in value;

function print(value: unknown, { terminal }: Context, asJson: boolean): void {
  if (value === undefined && !asJson) return;
  if (typeof value === "string" && !asJson) terminal.print(...safeLines(value));
  else terminal.json(value);
}
