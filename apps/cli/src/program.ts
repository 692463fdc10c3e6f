import { Command, CommanderError } from "commander";
import { addCommands } from "./command-table.ts";
import { Context } from "./context.ts";
import { EXIT, type ExitCode, exitCodeOf } from "./exit-code.ts";
import { errorLines } from "./render/errors.ts";
import { Terminal } from "./render/terminal.ts";

const ABOUT = `zeroplane: serve and call anything; deploy a folder, watch it run, see why it did not.

Exit codes: 0 done, 1 failure, 2 usage, 3 keys, 4 not found, 10 build failed, 11 release unhealthy, 12 cancelled, 75 nobody answered: try again.`;

/** The command line of `words`: all of it, or, when they begin with a command, that one. */
async function buildProgram(words: readonly string[], context: Context): Promise<Command> {
  const { out, err, style } = context.terminal;
  const program = new Command("zp")
    .description(ABOUT)
    .enablePositionalOptions()
    .exitOverride()
    .helpCommand(false)
    .option("-V, --version", "version of this command")
    .showSuggestionAfterError()
    .configureHelp({ styleTitle: (title) => style.bold(title) })
    .configureOutput({
      writeOut: (text) => void out.write(text),
      writeErr: (text) => void err.write(text),
      outputError: (text) => context.terminal.note(usageLine(text, context)),
    });
  await addCommands(program, context, words[0]);
  for (const each of allBelow(program)) debuggable(each, context);
  return program;
}

const allBelow = (command: Command): Command[] =>
  command.commands.flatMap((each) => [each, ...allBelow(each)]);

function debuggable(command: Command, context: Context): void {
  command
    .option("--debug", "show where an error comes from")
    .on("option:debug", () => (context.showTraceback = true));
}

/** Commander's words as one line. */
function usageLine(text: string, { terminal }: Context): string {
  const [first = "", ...more] = text.trim().split("\n");
  const hint = more.map((line) => line.replace(/^\((.*)\)$/, "$1").toLowerCase()).join(" ");
  const message = first.replace(/^error: /, "");
  const line = hint === "" ? message : `${message}; ${hint}`;
  return `${terminal.noteStyle.bad("zp:")} ${line}`;
}

/**
 * Runs one command line.
 * @param words what stands behind `zp`
 * @returns the exit code
 */
export async function runProgram(
  words: readonly string[],
  context = new Context(new Terminal(), process.env, process.cwd()),
): Promise<ExitCode> {
  try {
    const program = await buildProgram(words, context);
    await program.parseAsync(words, { from: "user" });
    return context.exitCode ?? EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const { terminal, env } = context;
    const traceback = context.showTraceback || Boolean(env["ZP_DEBUG"]);
    for (const line of errorLines(error, terminal.noteStyle, { traceback })) terminal.note(line);
    return exitCodeOf(error);
  }
}
