import { readFileSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { Description } from "@zeroplane/introspect";
import { methodOf, type Parameter, parseArguments } from "@zeroplane/introspect/arguments";
import { usage } from "../cli-error.ts";

/** Where the words of a command line may lead. */
export interface WordSources {
  readonly cwd: string;
  readonly stdin: NodeJS.ReadableStream;
}

const FILE_BYTES_MAX = 16 * 1024 * 1024;

/**
 * The words behind a method as its arguments, converted by its types. `@file` stands for what is in
 * the file, `-` for what comes on standard input, `@@` for one `@`. Where the method takes a
 * stream, each line of it is one item.
 * @throws CliError ERR_CLI_USAGE, IntrospectError
 */
export async function callArguments(
  description: Description,
  method: string,
  words: readonly string[],
  sources: WordSources,
): Promise<unknown[]> {
  const { parameters } = methodOf(description, method);
  const parameterAt = (at: number): Parameter | undefined => parameters[at] ?? parameters.at(-1);
  if (words.filter((word) => word === "-").length > 1) {
    throw usage("standard input can be only one of the arguments");
  }
  const texts = words.map(async (word, at) => {
    if (takesStream(parameterAt(at))) return "[]";
    const bytes = await read(word, sources);
    return bytes === undefined ? word.replace(/^@@/, "@") : textOf(bytes, parameterAt(at));
  });
  const args = parseArguments(description, method, await Promise.all(texts));
  return args.map((value, at) =>
    takesStream(parameterAt(at)) ? itemsOf(words[at] ?? "", sources) : value,
  );
}

const takesStream = (parameter: Parameter | undefined): boolean =>
  /^(AsyncIterable|AsyncGenerator|AsyncIterableIterator|ReadableStream)\b/.test(
    parameter?.type ?? "",
  );

/** The bytes that a word stands for; `undefined` when it stands for itself. */
async function read(word: string, { cwd, stdin }: WordSources): Promise<Buffer | undefined> {
  if (word === "-") {
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of stdin) {
      chunks.push(Buffer.from(chunk));
      size += chunk.length;
      if (size > FILE_BYTES_MAX) throw usage("standard input is longer than 16 MiB");
    }
    return Buffer.concat(chunks);
  }
  if (!word.startsWith("@") || word.startsWith("@@") || word === "@") return undefined;
  const file = resolve(cwd, word.slice(1));
  const about = statSync(file, { throwIfNoEntry: false });
  const hint = "write @@ for an argument that begins with @";
  if (about === undefined) throw usage(`no file ${JSON.stringify(word.slice(1))}; ${hint}`);
  if (!about.isFile()) throw usage(`${JSON.stringify(word.slice(1))} is no file`);
  if (about.size > FILE_BYTES_MAX) throw usage(`${word.slice(1)} is longer than 16 MiB`);
  return readFileSync(file);
}

/** As `parseArguments` wants it; the line break at the end of a file is not of its value. */
function textOf(bytes: Buffer, parameter: Parameter | undefined): string {
  const isBinary = /\b(Uint8Array|Buffer)\b/.test(parameter?.type ?? "");
  return isBinary ? bytes.toString("base64") : bytes.toString().replace(/\r?\n$/, "");
}

/** Lines as items: JSON where a line is JSON, else text. */
async function* itemsOf(word: string, { cwd, stdin }: WordSources): AsyncGenerator<unknown> {
  const isFile = word.startsWith("@");
  if (word !== "-" && !isFile) throw usage("a stream comes from @file or from standard input: -");
  const bytes = isFile ? await read(word, { cwd, stdin }) : undefined;
  const lines = bytes === undefined ? linesOf(stdin) : bytes.toString().trim().split("\n");
  for await (const line of lines) yield valueOf(line);
}

async function* linesOf(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  const { createInterface } = await import("node:readline");
  yield* createInterface({ input: stream });
}

function valueOf(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return line;
  }
}
