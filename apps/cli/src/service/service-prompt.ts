import { once } from "node:events";
import { createInterface } from "node:readline";
import { type REPLServer, Recoverable, start } from "node:repl";
import { PassThrough } from "node:stream";
import { type Description, toHelp } from "@zeroplane/introspect";
import { codeOf } from "@zeroplane/link";
import { callMethod } from "@zeroplane/rpc";
import type { Terminal } from "../render/terminal.ts";

/** What a prompt works with. */
export interface PromptOptions {
  readonly client: object;
  readonly description: Description;
  readonly name: string;
  readonly terminal: Terminal;
  /** Where lines are kept for the next time. */
  readonly historyFile: string;
  /** Show where errors come from. */
  readonly debug: boolean;
}

type Completions = [string[], string];

const HISTORY_MAX = 1_000;
const DOC_QUESTION = /^\s*(?:\?\s*([\w.]*)|([\w.]*)\s*\?)\s*$/;

/** Starts a prompt whose globals are the methods of a service. @returns when it has ended */
export async function prompt(options: PromptOptions): Promise<void> {
  const { name, terminal } = options;
  const isTerminal = process.stdin.isTTY === true;
  const server = start({
    prompt: isTerminal ? `${name}> ` : "",
    terminal: isTerminal,
    ...(!isTerminal && { input: new PassThrough(), output: process.stdout }),
    useColors: terminal.style.enabled,
    ignoreUndefined: true,
  });
  answerQuestions(server, options);
  Object.assign(server.context, methodsOf(options));
  completing(server, options.description);
  server.defineCommand("methods", {
    help: "What the service offers",
    action() {
      this.output.write(`${help(options)}\n`);
      this.displayPrompt();
    },
  });
  const ended = new Promise<void>((resolve) => server.once("exit", resolve));
  if (isTerminal) keepHistory(server, options.historyFile);
  else await feed(server, process.stdin);
  await ended;
}

/** Lines that do not come from a keyboard are given one by one, each after the one before is done. */
async function feed(server: REPLServer, lines: NodeJS.ReadableStream): Promise<void> {
  let done = Promise.withResolvers<void>();
  const show = server.displayPrompt.bind(server);
  server.displayPrompt = (isKept) => {
    show(isKept);
    done.resolve();
  };
  const input = server.input as PassThrough;
  for await (const line of createInterface({ input: lines })) {
    done = Promise.withResolvers<void>();
    input.write(`${line}\n`);
    // What ends the prompt shows no further one.
    await Promise.race([done.promise, once(server, "exit")]);
  }
  input.end();
}

/** Calls made at a prompt; a stream is iterated, or shown when it is not. */
function methodsOf({ client, description }: PromptOptions): Record<string, unknown> {
  const root: Record<string, unknown> = { service: client };
  for (const { name } of Object.values(description.methods)) {
    const path = name.split(".");
    const last = path.pop() ?? name;
    let place = root;
    for (const each of path) place = (place[each] ??= {}) as Record<string, unknown>;
    const call = (...args: unknown[]): unknown => callMethod(client, name, args);
    Object.defineProperty(call, "name", { value: last });
    place[last] = call;
  }
  return root;
}

/** A lone call is awaited; `?` asks for words instead. */
function answerQuestions(server: REPLServer, options: PromptOptions): void {
  const evaluate = server.eval;
  const own: typeof server.eval = (code, context, file, done) => {
    const question = DOC_QUESTION.exec(code);
    if (question !== null) {
      server.output.write(`${help(options, question[1] || question[2])}\n`);
      return done(null, undefined);
    }
    evaluate.call(server, code, context, file, (error, value: unknown) => {
      if (error !== null) return failed(error);
      if (!isCall(value)) return done(null, value);
      settled(value, server).then((result) => done(null, result), failed);
      return undefined;
    });
    /** What a service has thrown is one line; a mistake in the line itself is Node's to tell. */
    function failed(error: unknown): void {
      const isTold = error instanceof Recoverable || options.debug || codeOf(error) === undefined;
      if (isTold) return done(error as Error, undefined);
      const { name, message } = error as Error;
      server.output.write(`${options.terminal.style.bad(name)}: ${message}\n`);
      done(null, undefined);
    }
  };
  Object.assign(server, { eval: own });
}

const isCall = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && "then" in value;

/** The result of a call; of a stream, its items as they come, until Ctrl-C. */
async function settled(value: PromiseLike<unknown>, server: REPLServer): Promise<unknown> {
  const result = await value;
  if (typeof result !== "object" || result === null || !(Symbol.asyncIterator in result)) {
    return result;
  }
  let isStopped = false;
  const stop = (): void => void (isStopped = true);
  server.once("SIGINT", stop);
  try {
    for await (const item of result as AsyncIterable<unknown>) {
      if (isStopped) break;
      server.output.write(`${server.writer(item)}\n`);
    }
  } finally {
    server.off("SIGINT", stop);
  }
  return undefined;
}

function help({ description, terminal }: PromptOptions, method?: string): string {
  try {
    return toHelp(description, method || undefined, {
      color: terminal.style.enabled,
      width: terminal.out.columns ?? 80,
    }).trimEnd();
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Behind `method(` stand its parameters; elsewhere the methods come first. */
function completing(server: REPLServer, { methods }: Description): void {
  const names = Object.keys(methods);
  const own = (line: string, done: (error: Error | null, found: Completions) => void): void => {
    const [, called = "", given = ""] = /([\w.]+)\(([^()]*)$/.exec(line) ?? [];
    const method = Object.hasOwn(methods, called) ? methods[called] : undefined;
    if (method !== undefined) {
      const at = given.split(",").length - 1;
      const shown = method.parameters.slice(at).map(({ name, type }) => `${name}: ${type}`);
      return done(null, [shown, given.split(",").at(-1)?.trim() ?? ""]);
    }
    const [begun = ""] = /[\w.]*$/.exec(line) ?? [];
    const found = names.filter((name) => name.startsWith(begun));
    const others = Object.keys(server.context).filter((name) => name.startsWith(begun));
    done(null, [found.length > 0 ? found : others, begun]);
  };
  Object.assign(server, { completer: own });
}

function keepHistory(server: REPLServer, file: string): void {
  server.setupHistory({ filePath: file, size: HISTORY_MAX }, () => undefined);
}
