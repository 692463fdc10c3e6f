import { setTimeout as sleep } from "node:timers/promises";
import type { MethodStats, ProcessStats } from "@zeroplane/runtime/process";
import type { Command } from "commander";
import { usage } from "../cli-error.ts";
import { wholeNumber } from "../command.ts";
import type { Context } from "../context.ts";
import { Interrupts } from "../interrupts.ts";
import { remoteCommand, withExamples } from "../remote-command.ts";
import { clip } from "../render/text.ts";
import { type Line, linesOf, type ProcessView } from "../render/top-view.ts";
import { namesHere, type Remote, type RemoteOptions } from "../service/remote.ts";

interface TopOptions extends RemoteOptions {
  readonly interval: number;
  readonly count?: number;
}

const INTERVAL_S = 1;
const INTERVAL_MAX_S = 3_600;
const COUNT_MAX = 1_000_000;
const PROCESSES_MAX = 64;
const SECOND_MS = 1_000;
const ROWS = 24;
const COLUMNS = 80;

/** `zp top`. */
export function addTop(program: Command, context: Context): void {
  withExamples(
    remoteCommand(program, "top [endpoints...]", "services and methods, live: rates, times, errors")
      .option("--interval <s>", "between two looks", wholeNumber(1, INTERVAL_MAX_S), INTERVAL_S)
      .option("-n, --count <n>", "end after so many looks", wholeNumber(1, COUNT_MAX))
      .action((endpoints: string[], options: TopOptions) => top(endpoints, options, context)),
    "zp top",
    "zp top deploy-api --interval 5",
    "zp top tcp://127.0.0.1:4242 -n 1 --json",
  );
}

async function top(words: readonly string[], options: TopOptions, context: Context): Promise<void> {
  using interrupts = new Interrupts();
  const names = words.length > 0 ? words : namesHere(options, context).map(({ name }) => name);
  if (names.length === 0) throw usage("nothing is up here; say which: zp top tcp://host:port");
  const { openRemote } = await import("../service/remote.ts");
  const { processPrefix } = await import("../service/process-questions.ts");
  await using stack = new AsyncDisposableStack();
  const looks: (() => Promise<ProcessView>)[] = [];
  for (const name of names.slice(0, PROCESSES_MAX)) {
    const remote = stack.use(await openRemote(name, options, context));
    looks.push(lookAt(remote, await processPrefix(remote)));
  }
  await Promise.all(looks.map((look) => look()));
  const { count = Number.POSITIVE_INFINITY, interval } = options;
  const { signal } = interrupts;
  const screen = new Screen(context);
  for (let at = 0; at < count && !signal.aborted; at++) {
    await sleep(interval * SECOND_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) break;
    const views = await Promise.all(looks.map((look) => look()));
    if (options.json) context.terminal.json(views, { oneLine: true });
    else screen.show(linesOf(views, context.terminal.out.columns ?? COLUMNS));
  }
}

/** Rates are what has changed since the look before. */
function lookAt(remote: Remote, prefix: string): () => Promise<ProcessView> {
  let before = new Map<string, number>();
  let beforeAtMs = performance.now();
  return async () => {
    const [stats, methods, { sessions }] = (await Promise.all([
      remote.call(`${prefix}stats`, []),
      remote.call(`${prefix}calls`, []),
      remote.call(`${prefix}sockets`, []),
    ])) as [ProcessStats, MethodStats[], { sessions: ProcessView["sessions"] }];
    const nowMs = performance.now();
    const seconds = (nowMs - beforeAtMs) / SECOND_MS;
    const rated = methods.map((each) => ({
      ...each,
      perSecond: Math.max(0, each.calls - (before.get(each.method) ?? 0)) / seconds,
    }));
    before = new Map(methods.map(({ method, calls }) => [method, calls]));
    beforeAtMs = nowMs;
    return { name: remote.target.name, stats, methods: rated, sessions };
  };
}

/** On a terminal each look replaces the one before. */
class Screen {
  readonly #context: Context;
  #shown = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  show(lines: readonly Line[]): void {
    const { out, style } = this.#context.terminal;
    const isTerminal = out.isTTY === true;
    const { columns = COLUMNS } = out;
    const rows = "rows" in out && typeof out.rows === "number" ? out.rows : ROWS;
    const fitting = isTerminal ? lines.slice(0, rows - 1) : lines;
    const paint = { head: style.bold.bind(style), bad: style.bad.bind(style), plain: String };
    const texts = fitting.map(({ text, kind }) =>
      paint[kind](isTerminal ? clip(text, columns - 1) : text),
    );
    const erase = isTerminal && this.#shown > 0 ? `\u001b[${this.#shown}A\u001b[0J` : "";
    out.write(`${erase}${texts.join("\n")}\n`);
    this.#shown = texts.length;
  }
}
