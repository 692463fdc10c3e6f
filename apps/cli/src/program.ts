import { Command, CommanderError } from "commander";
import { addApps } from "./commands/apps.ts";
import { addCalls } from "./commands/call.ts";
import { addDeploy } from "./commands/deploy.ts";
import { addDeploys } from "./commands/deploys.ts";
import { addDocs } from "./commands/docs.ts";
import { addDown } from "./commands/down.ts";
import { addKeys } from "./commands/keys.ts";
import { addLogs } from "./commands/logs.ts";
import { addStatus } from "./commands/status.ts";
import { addTraces } from "./commands/traces.ts";
import { addUp } from "./commands/up.ts";
import { addVersion } from "./commands/version.ts";
import { Context } from "./context.ts";
import { EXIT, type ExitCode, exitCodeOf } from "./exit-code.ts";
import { errorLines } from "./render/errors.ts";
import { Terminal } from "./render/terminal.ts";

const ABOUT = `zeroplane: deploy a folder, watch it run, see why it did not.

Exit codes: 0 done, 1 failure, 2 usage, 3 keys, 4 not found, 10 build failed, 11 release
unhealthy, 12 cancelled, 75 nobody answered: try again.`;

/** The whole command line. */
export function buildProgram(context: Context): Command {
  const { out, err, style } = context.terminal;
  const program = new Command("zp")
    .description(ABOUT)
    .enablePositionalOptions()
    .exitOverride()
    .helpCommand(false)
    .showSuggestionAfterError()
    .configureHelp({ styleTitle: (title) => style.bold(title) })
    .configureOutput({
      writeOut: (text) => void out.write(text),
      writeErr: (text) => void err.write(text),
      outputError: (text) => context.terminal.note(usageLine(text, context)),
    });
  program.commandsGroup("Apps:");
  addDeploy(program, context);
  addApps(program, context);
  addDeploys(program, context);
  addLogs(program, context);
  program.commandsGroup("Platform:");
  addUp(program, context);
  addDown(program, context);
  addStatus(program, context);
  addKeys(program, context);
  program.commandsGroup("Look inside:");
  addTraces(program, context);
  addCalls(program, context);
  addDocs(program, context);
  addVersion(program, context);
  return program;
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
    await buildProgram(context).parseAsync(words, { from: "user" });
    return context.exitCode ?? EXIT.ok;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    const { terminal, env } = context;
    const traceback = context.showTraceback || Boolean(env["ZP_DEBUG"]);
    for (const line of errorLines(error, terminal.noteStyle, { traceback })) terminal.note(line);
    return exitCodeOf(error);
  }
}
