import { nearest } from "@zeroplane/introspect/nearest";
import { type Command, InvalidArgumentError } from "commander";
import { usage } from "./cli-error.ts";

/** A command that talks to a platform: `--data` and `--json`. */
export function platformCommand(parent: Command, usageText: string, description: string): Command {
  return parent
    .command(usageText)
    .description(description)
    .option("--data <folder>", "data folder of the platform (default: nearest .zeroplane)")
    .option("--json", "print JSON");
}

/**
 * A noun: alone it lists, with a verb it does something.
 * @param list what it does alone
 */
export function nounCommand(
  command: Command,
  list: (options: Record<string, unknown>) => Promise<void>,
): Command {
  return command
    .enablePositionalOptions()
    .allowExcessArguments()
    .action(async (options: Record<string, unknown>) => {
      const [word] = command.args;
      if (word === undefined) return list(options);
      const verbs = command.commands.map((verb) => verb.name());
      const near = nearest(word, verbs)[0] ?? verbs.join(" or ");
      const text = `unknown command '${command.name()} ${word}'`;
      throw usage(`${text}; did you mean '${command.name()} ${near}'?`);
    });
}

/** Reads a whole number between two limits, for an option. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`give a whole number from ${least} to ${most}.`);
  };
}
