import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Description } from "@zeroplane/introspect";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { remoteCommand, withExamples } from "../remote-command.ts";
import { safe } from "../render/text.ts";
import type { RemoteOptions } from "../service/remote.ts";

interface DocsOptions extends RemoteOptions {
  readonly out: string;
}

/** `zp docs`. */
export function addDocs(program: Command, context: Context): void {
  withExamples(
    remoteCommand(program, "docs <endpoints...>", "write pages about running services")
      .option("--out <dir>", "folder for the pages", "docs-site")
      .action((endpoints: string[], options: DocsOptions) => docs(endpoints, options, context)),
    "zp docs tcp://127.0.0.1:4242 --out site",
    "zp docs deploy-api log-hub --out site",
  );
}

async function docs(
  endpoints: readonly string[],
  options: DocsOptions,
  context: Context,
): Promise<void> {
  const { toHtml } = await import("@zeroplane/introspect");
  const { openRemote } = await import("../service/remote.ts");
  const descriptions: Description[] = [];
  for (const endpoint of endpoints) {
    await using remote = await openRemote(endpoint, options, context);
    descriptions.push(await remote.describe());
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
