import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { Context } from "../context.ts";

/** `zp version`. */
export function addVersion(program: Command, context: Context): void {
  program
    .command("version")
    .description("version of this command and of Node")
    .option("--json", "print JSON")
    .action(({ json }: { readonly json?: boolean }) => {
      const version = versionOf();
      const { node } = process.versions;
      if (json) context.terminal.json({ version, node });
      else context.terminal.print(`zp ${version} (node ${node})`);
    });
}

function versionOf(): string {
  const file = new URL("../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(file, "utf8")) as { readonly version: string };
  return version;
}
