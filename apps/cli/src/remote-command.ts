import type { Command } from "commander";
import { platformCommand, wholeNumber } from "./command.ts";

const TIMEOUT_S = 30;
const TIMEOUT_MAX_S = 86_400;

/** A command that talks to one service: where its keys are, and how long it may take. */
export function remoteCommand(parent: Command, usageText: string, description: string): Command {
  return platformCommand(parent, usageText, description)
    .option("--service <name>", "whose keys the endpoint has, when it is tcp://…")
    .option("--timeout <s>", "seconds to wait", wholeNumber(1, TIMEOUT_MAX_S), TIMEOUT_S);
}

/** Examples, below the options in a command's help. */
export function withExamples(command: Command, ...lines: readonly string[]): Command {
  const text = lines.map((line) => `  $ ${line}`).join("\n");
  return command.addHelpText("after", `\nExamples:\n${text}`);
}
