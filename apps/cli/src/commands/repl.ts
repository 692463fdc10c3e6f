import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Command } from "commander";
import type { Context } from "../context.ts";
import { remoteCommand, withExamples } from "../remote-command.ts";
import type { RemoteOptions } from "../service/remote.ts";

/** `zp repl`. */
export function addRepl(program: Command, context: Context): void {
  withExamples(
    remoteCommand(program, "repl <endpoint>", "a prompt with the methods of a service").action(
      (endpoint: string, options: RemoteOptions) => repl(endpoint, options, context),
    ),
    "zp repl tcp://127.0.0.1:4242",
    "echo 'add(1, 2)' | zp repl sums",
  );
}

async function repl(endpoint: string, options: RemoteOptions, context: Context): Promise<void> {
  const [{ openRemote }, { prompt }] = await Promise.all([
    import("../service/remote.ts"),
    import("../service/service-prompt.ts"),
  ]);
  await using remote = await openRemote(endpoint, options, context);
  const description = await remote.describe();
  const { terminal, env } = context;
  const count = Object.keys(description.methods).length;
  terminal.note(`${description.name}: ${count} methods; Tab completes, NAME? explains, .exit ends`);
  const historyFile = env["ZP_HISTORY"] || join(stateFolder(env), "zeroplane", "history");
  mkdirSync(dirname(historyFile), { recursive: true, mode: 0o700 });
  const { client } = remote;
  const { name } = description;
  await prompt({ client, description, name, terminal, historyFile, debug: context.showTraceback });
}

const stateFolder = (env: NodeJS.ProcessEnv): string =>
  env["XDG_STATE_HOME"] || join(homedir(), ".local", "state");
