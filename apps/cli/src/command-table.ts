import type { Command } from "commander";
import type { Context } from "./context.ts";
import { withExamples } from "./remote-command.ts";

/** Adds one or more commands. */
type Adder = (program: Command, context: Context) => void;

/** Commands that live in one file, which is loaded only when one of them is meant. */
interface CommandFile {
  readonly names: readonly string[];
  readonly load: () => Promise<Adder>;
}

/** Every command, by the group it stands under in the help. */
export const COMMANDS: Readonly<Record<string, readonly CommandFile[]>> = {
  "Any service:": [
    { names: ["serve"], load: async () => (await import("./commands/serve.ts")).addServe },
    { names: ["call"], load: async () => (await import("./commands/call.ts")).addCall },
    {
      names: ["inspect", "types"],
      load: async () => (await import("./commands/inspect.ts")).addInspect,
    },
    { names: ["docs"], load: async () => (await import("./commands/docs.ts")).addDocs },
    { names: ["ping", "ls"], load: async () => (await import("./commands/ping.ts")).addPing },
    { names: ["repl"], load: async () => (await import("./commands/repl.ts")).addRepl },
    { names: ["bench"], load: async () => (await import("./commands/bench.ts")).addBench },
  ],
  "Apps:": [
    { names: ["deploy"], load: async () => (await import("./commands/deploy.ts")).addDeploy },
    { names: ["apps"], load: async () => (await import("./commands/apps.ts")).addApps },
    { names: ["deploys"], load: async () => (await import("./commands/deploys.ts")).addDeploys },
    { names: ["logs"], load: async () => (await import("./commands/logs.ts")).addLogs },
  ],
  "Platform:": [
    { names: ["up"], load: async () => (await import("./commands/up.ts")).addUp },
    { names: ["down"], load: async () => (await import("./commands/down.ts")).addDown },
    { names: ["status"], load: async () => (await import("./commands/status.ts")).addStatus },
    { names: ["keys"], load: async () => (await import("./commands/keys.ts")).addKeys },
  ],
  "Look inside:": [
    { names: ["top"], load: async () => (await import("./commands/top.ts")).addTop },
    { names: ["tap"], load: async () => (await import("./commands/tap.ts")).addTap },
    {
      names: ["profile"],
      load: async () => (await import("./commands/profile.ts")).addProfile,
    },
    {
      names: ["trace", "traces", "why"],
      load: async () => (await import("./commands/traces.ts")).addTraces,
    },
    { names: ["doctor"], load: async () => (await import("./commands/doctor.ts")).addDoctor },
    {
      names: ["completion"],
      load: async () => (await import("./commands/completion.ts")).addCompletion,
    },
    { names: ["version"], load: async () => (await import("./commands/version.ts")).addVersion },
  ],
};

/** Examples of commands whose files have none. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  deploy: ["zp deploy ./my-app", "zp deploy --app shop --json"],
  apps: ["zp apps", "zp apps create shop"],
  deploys: ["zp deploys", "zp deploys --json"],
  logs: ["zp logs shop -f", "zp logs shop -n 100"],
  up: ["zp up", "zp up --runners 2 --detach"],
  down: ["zp down"],
  status: ["zp status", "zp status --json"],
  trace: ["zp trace --last", "zp trace 4bf92f3577b34da6a3ce929d0e0e4736"],
  traces: [
    "zp traces --error",
    "zp traces --service deploy-api --min-ms 100",
    "zp traces --port 4318 --data ./traces",
    "zp traces import trace.json",
  ],
  why: ["zp why --last", "zp why 4bf92f3577b34da6a3ce929d0e0e4736"],
  version: ["zp version --json"],
};

/** Adds the command that `word` names, or all of them when it names none. */
export async function addCommands(
  program: Command,
  context: Context,
  word: string | undefined,
): Promise<void> {
  const isMeant = ({ names }: CommandFile): boolean => word !== undefined && names.includes(word);
  const known = Object.values(COMMANDS).flat().some(isMeant);
  for (const [group, files] of Object.entries(COMMANDS)) {
    program.commandsGroup(group);
    for (const file of files) if (!known || isMeant(file)) (await file.load())(program, context);
  }
  for (const command of program.commands) {
    const examples = EXAMPLES[command.name()];
    if (examples !== undefined) withExamples(command, ...examples);
  }
}
