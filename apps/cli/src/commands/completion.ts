import type { Command } from "commander";
import { usage } from "../cli-error.ts";
import { addCommands, COMMANDS } from "../command-table.ts";
import type { Context } from "../context.ts";
import { withExamples } from "../remote-command.ts";
import { namesHere, openRemote } from "../service/remote.ts";

const SHELLS: Readonly<Record<string, string>> = {
  bash: `_zp() {
  local IFS=$'\\n'
  COMPREPLY=($(zp complete -- "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null))
  if declare -F __ltrim_colon_completions >/dev/null; then
    __ltrim_colon_completions "\${COMP_WORDS[COMP_CWORD]}"
  fi
}
complete -o default -F _zp zp
`,
  zsh: `#compdef zp
_zp() {
  local -a found
  found=("\${(@f)$(zp complete -- "\${BUFFER[1,CURSOR]}" 2>/dev/null)}")
  found=(\${found:#})
  if (( \${#found} )); then compadd -Q -- "\${found[@]}"; else _files; fi
}
compdef _zp zp
`,
  fish: `complete -c zp -f -a '(zp complete -- (commandline -cp) 2>/dev/null)'
`,
};

/** How long a key press may wait for a service. */
const TIMEOUT_S = 1;
const TAKES_ENDPOINT = new Set(["call", "inspect", "types", "ping", "repl", "bench", "tap", "top"]);
const TAKES_METHOD = new Set(["call", "inspect", "bench"]);

/** `zp completion`, and `zp complete`, which its scripts ask. */
export function addCompletion(program: Command, context: Context): void {
  withExamples(
    program
      .command("completion <shell>")
      .description("a script that completes words of zp: bash, zsh or fish")
      .option("--json", "print JSON")
      .action((shell: string, { json }: { readonly json?: boolean }) => {
        const script = SHELLS[shell];
        if (script === undefined)
          throw usage(`no completion for ${shell}; there is: bash, zsh, fish`);
        if (json) context.terminal.json({ shell, script });
        else context.terminal.print(script.trimEnd());
      }),
    'eval "$(zp completion bash)"',
    'eval "$(zp completion zsh)"',
    "zp completion fish > ~/.config/fish/completions/zp.fish",
  );
  program
    .command("complete <line>", { hidden: true })
    .action(async (line: string) =>
      context.terminal.print(...(await complete(line, program, context))),
    );
}

/** The words that may stand at the end of `line`. */
async function complete(line: string, program: Command, context: Context): Promise<string[]> {
  const [, ...words] = line.trimStart().split(/\s+/);
  const begun = words.at(-1) ?? "";
  const before = words.slice(0, -1);
  const found = await candidates(before, begun, { program, context });
  return [...new Set(found)].filter((each) => each.startsWith(begun)).sort();
}

async function candidates(
  before: readonly string[],
  begun: string,
  { program, context }: { readonly program: Command; readonly context: Context },
): Promise<string[]> {
  const [name = "", ...rest] = before;
  if (before.length === 0)
    return Object.values(COMMANDS)
      .flat()
      .flatMap(({ names }) => names);
  const { Command: Fresh } = await import("commander");
  const own = new Fresh();
  await addCommands(own, context, name);
  const command = own.commands.find((each) => each.name() === name) ?? program;
  if (begun.startsWith("-")) return command.options.flatMap(({ long }) => long ?? []);
  if (command.commands.length > 0 && rest.length === 0)
    return command.commands.map((each) => each.name());
  if (name === "completion" && rest.length === 0) return Object.keys(SHELLS);
  const [endpoint, ...more] = rest.filter((word) => !word.startsWith("-"));
  if (endpoint === undefined && TAKES_ENDPOINT.has(name)) {
    return namesHere({}, context).map((target) => target.name);
  }
  if (endpoint === undefined || more.length > 0 || !TAKES_METHOD.has(name)) return [];
  await using remote = await openRemote(endpoint, { timeout: TIMEOUT_S }, context);
  return Object.keys((await remote.describe()).methods);
}
