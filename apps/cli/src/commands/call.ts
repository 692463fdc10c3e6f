import type { Description } from "@zeroplane/introspect";
import type { Connected } from "@zeroplane/rpc";
import type { Command } from "commander";
import type { Access, Target } from "../access.ts";
import { platformCommand, wholeNumber } from "../command.ts";
import type { Context, PlatformOptions } from "../context.ts";
import { Interrupts } from "../interrupts.ts";
import { isRemote } from "../render/errors.ts";
import { safe, safeLines } from "../render/text.ts";
import { formatMs } from "../render/units.ts";

interface CallOptions extends PlatformOptions {
  readonly service?: string;
  readonly timeout: number;
}

interface InspectOptions extends CallOptions {
  readonly markdown?: boolean;
}

interface PingOptions extends CallOptions {
  readonly count: number;
}

const TIMEOUT_S = 30;
const TIMEOUT_MAX_S = 86_400;
const SECOND_MS = 1_000;
const PINGS = 4;
const PINGS_MAX = 1_000;

/** `zp call`, `zp inspect`, `zp ping`. */
export function addCalls(program: Command, context: Context): void {
  const base = (usageText: string, description: string): Command =>
    platformCommand(program, usageText, description)
      .option("--service <name>", "whose keys the endpoint has, when it is tcp://…")
      .option("--timeout <s>", "seconds to wait", wholeNumber(1, TIMEOUT_MAX_S), TIMEOUT_S);
  base("call <endpoint> <method> [arguments...]", "call a method of any process")
    .passThroughOptions()
    .action((endpoint: string, method: string, words: string[], options: CallOptions) =>
      call({ endpoint, method, words }, options, context),
    );
  base("inspect <endpoint> [method]", "what a process offers, in its author's words")
    .option("--markdown", "as a page of Markdown")
    .action((endpoint: string, method: string | undefined, options: InspectOptions) =>
      inspect({ endpoint, method }, options, context),
    );
  base("ping <endpoint>", "how long a process takes to answer")
    .option("-n, --count <n>", "how often", wholeNumber(1, PINGS_MAX), PINGS)
    .action((endpoint: string, options: PingOptions) => ping(endpoint, options, context));
}

/** A connection for one command; an endpoint of its own needs no platform. */
async function open(
  word: string,
  options: CallOptions,
  context: Context,
): Promise<{ access: Access; target: Target; client: Connected<object> } & AsyncDisposable> {
  const { targetOf } = await import("../access.ts");
  const location = locate(word, options, context);
  const named = targetOf(word, location.nodes);
  const target = { ...named, service: options.service ?? named.service };
  const reached = target.service === undefined ? { ...location, keys: undefined } : location;
  const { keys, ...rest } = reached;
  const access = await context.openAt({ ...rest, ...(keys !== undefined && { keys }) });
  const client = access.connect(target, { timeoutMs: options.timeout * SECOND_MS });
  return { access, target, client, [Symbol.asyncDispose]: () => access[Symbol.asyncDispose]() };
}

function locate(word: string, options: CallOptions, context: Context) {
  try {
    return context.locate(options);
  } catch (error) {
    if (!word.includes("://")) throw error;
    const keys = context.env["ZP_KEYS"];
    return { api: "", nodes: [], label: word, ...(keys && { keys }) };
  }
}

async function describe(client: Connected<object>): Promise<Description> {
  const { callMethod } = await import("@zeroplane/rpc");
  return (await callMethod(client, "_describe", [])) as Description;
}

async function call(
  what: { readonly endpoint: string; readonly method: string; readonly words: readonly string[] },
  options: CallOptions,
  context: Context,
): Promise<void> {
  const { endpoint, method, words } = what;
  await using opened = await open(endpoint, options, context);
  const { client } = opened;
  const { callMethod } = await import("@zeroplane/rpc");
  const { methodOf, parseArguments } = await import("@zeroplane/introspect");
  const description = await describe(client);
  const args = parseArguments(description, method, words);
  const { terminal } = context;
  using interrupts = new Interrupts();
  const { signal } = interrupts;
  try {
    const pending = callMethod(client.with({ signal }), method, args);
    if (methodOf(description, method).kind === "stream") {
      for await (const item of pending) terminal.json(item, { oneLine: true });
      return;
    }
    print(await pending, context, options.json === true);
  } catch (error) {
    if (signal.aborted) return;
    context.showTraceback = isRemote(error);
    throw error;
  }
}

function print(value: unknown, { terminal }: Context, json: boolean): void {
  if (value === undefined && !json) return;
  if (typeof value === "string" && !json) terminal.print(...safeLines(value));
  else terminal.json(value);
}

async function inspect(
  what: { readonly endpoint: string; readonly method: string | undefined },
  options: InspectOptions,
  context: Context,
): Promise<void> {
  await using opened = await open(what.endpoint, options, context);
  const { methodOf, toHelp, toMarkdown } = await import("@zeroplane/introspect");
  const description = await describe(opened.client);
  const { terminal } = context;
  if (options.json) {
    const { method } = what;
    return terminal.json(method === undefined ? description : methodOf(description, method));
  }
  if (options.markdown) return terminal.print(...safeLines(toMarkdown(description).trimEnd()));
  const { columns } = terminal.out;
  const help = toHelp(description, what.method, {
    color: terminal.style.enabled,
    ...(columns !== undefined && { width: columns }),
  });
  terminal.print(help.trimEnd());
}

async function ping(endpoint: string, options: PingOptions, context: Context): Promise<void> {
  await using opened = await open(endpoint, options, context);
  const { client, target } = opened;
  const { callMethod } = await import("@zeroplane/rpc");
  const { terminal } = context;
  const times: number[] = [];
  // The first one also waits for the connection.
  await callMethod(client, "_zerorpc_ping", []);
  for (let at = 0; at < options.count; at++) {
    const startedAtMs = performance.now();
    await callMethod(client, "_zerorpc_ping", []);
    const ms = performance.now() - startedAtMs;
    times.push(ms);
    if (!options.json)
      terminal.print(`${safe(target.name)} at ${safe(target.endpoint)}: ${formatMs(ms)}`);
  }
  if (options.json) terminal.json({ ...target, ms: times });
}
