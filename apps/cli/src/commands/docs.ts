import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Description } from "@zeroplane/introspect";
import type { Command } from "commander";
import { platformCommand, wholeNumber } from "../command.ts";
import type { Context, PlatformOptions } from "../context.ts";
import { safe } from "../render/text.ts";

interface DocsOptions extends PlatformOptions {
  readonly out: string;
  readonly timeout: number;
}

const TIMEOUT_S = 30;
const TIMEOUT_MAX_S = 86_400;
const SECOND_MS = 1_000;

/** `zp docs`. */
export function addDocs(program: Command, context: Context): void {
  platformCommand(program, "docs <endpoints...>", "write pages about running services")
    .option("--out <dir>", "folder for the pages", "docs-site")
    .option("--timeout <s>", "seconds to wait", wholeNumber(1, TIMEOUT_MAX_S), TIMEOUT_S)
    .addHelpText("after", "\nExample: zp docs tcp://127.0.0.1:4242 --out site")
    .action((endpoints: string[], options: DocsOptions) => docs(endpoints, options, context));
}

async function docs(
  endpoints: readonly string[],
  options: DocsOptions,
  context: Context,
): Promise<void> {
  const { toHtml } = await import("@zeroplane/introspect");
  const descriptions: Description[] = [];
  for (const endpoint of endpoints) {
    descriptions.push(await describe(endpoint, options, context));
  }
  const folder = resolve(context.cwd, options.out);
  await mkdir(folder, { recursive: true });
  const files: string[] = [];
  for (const [name, page] of toHtml(descriptions)) {
    await writeFile(join(folder, name), page);
    files.push(join(folder, name));
  }
  const { terminal } = context;
  if (options.json) terminal.json({ services: descriptions.map(({ name }) => name), files });
  else terminal.print(safe(join(folder, "index.html")));
}

/** What one process offers; an endpoint of its own needs no platform. */
async function describe(
  endpoint: string,
  options: DocsOptions,
  context: Context,
): Promise<Description> {
  const { targetOf } = await import("../access.ts");
  const isOwn = endpoint.includes("://");
  const location = isOwn ? { api: "", nodes: [], label: endpoint } : context.locate(options);
  const target = targetOf(endpoint, location.nodes);
  await using access = await context.openAt(location);
  const client = access.connect(target, { timeoutMs: options.timeout * SECOND_MS });
  const { callMethod } = await import("@zeroplane/rpc");
  return (await callMethod(client, "_describe", [])) as Description;
}
