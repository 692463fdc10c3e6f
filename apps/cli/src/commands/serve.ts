import type { Command } from "commander";
import { usage } from "../cli-error.ts";
import { wholeNumber } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit-code.ts";
import { Interrupts } from "../interrupts.ts";
import { withExamples } from "../remote-command.ts";
import { errorLines } from "../render/errors.ts";
import type { OwnKeyOptions, OwnKeys } from "../service/own-keys.ts";

interface ServeOptions extends OwnKeyOptions {
  readonly bind?: string[];
  readonly connect?: string[];
  readonly pull?: string;
  readonly sub?: string;
  readonly name?: string;
  readonly heartbeatMs: number;
  readonly insecure?: boolean;
  readonly watch?: boolean;
  readonly json?: boolean;
}

const HEARTBEAT_MS = 5_000;
const HEARTBEAT_MAX_MS = 600_000;
const ENDPOINTS_MAX = 16;
const ANY_PORT = "tcp://127.0.0.1:*";

/** `zp serve`. */
export function addServe(program: Command, context: Context): void {
  const several = (endpoint: string, before: string[] = []): string[] => [...before, endpoint];
  const command = program
    .command("serve <module>")
    .description("serve a file, a package or a module of Node, unchanged")
    .option("--bind <endpoint>", "where callers connect to (default: any free port)", several)
    .option("--connect <endpoint>", "where zerorpc callers or a proxy are bound", several)
    .option("--pull <endpoint>", "also take what pushers send there")
    .option("--sub <endpoint>", "also take what the publisher there sends")
    .option("--name <name>", "name of the service (default: of the class or module)")
    .option(
      "--heartbeat-ms <ms>",
      "between two heartbeats of zerorpc peers",
      wholeNumber(1, HEARTBEAT_MAX_MS),
      HEARTBEAT_MS,
    )
    .option("--keys <folder>", "let in only keys that are trusted there (default: ZP_KEYS)")
    .option("--service <name>", "whose keys it has (default: the name of the service)")
    .option("--insecure", "let other hosts in without keys")
    .option("--watch", "load it again when its files change; the endpoint stays")
    .option("--json", "the ready line as JSON")
    .action((word: string, options: ServeOptions) => serve(word, options, context));
  withExamples(
    command,
    "zp serve ./prices.ts --bind tcp://127.0.0.1:4242 --watch",
    "zp serve ./prices.ts --bind tcp://0.0.0.0:4242 --keys ./keys --service prices",
    "zp serve node:path",
    "zp serve ./metrics.js --pull tcp://127.0.0.1:4243",
  );
}

async function serve(word: string, options: ServeOptions, context: Context): Promise<void> {
  using interrupts = new Interrupts();
  const { bind = [], connect = [], pull, sub } = options;
  if (bind.length + connect.length > ENDPOINTS_MAX)
    throw usage(`at most ${ENDPOINTS_MAX} endpoints`);
  const endpoints = bind.length + connect.length > 0 || pull || sub ? bind : [ANY_PORT];
  using exits = new EarlyExit(word, context);
  const { ModuleLoader } = await import("../service/module-target.ts");
  using loader = new ModuleLoader(context.cwd);
  const found = await loader.load(word);
  exits.loaded();
  const keys = await keysFor(found.name, options, context);
  const { Serving, watchFiles } = await import("../service/serving.ts");
  const tell = (error: unknown): void => {
    const { terminal, showTraceback: traceback } = context;
    for (const line of errorLines(error, terminal.noteStyle, { traceback })) terminal.note(line);
  };
  await using serving = new Serving({
    ...options,
    bind: endpoints,
    connect,
    keys: keys?.listen,
    insecure: options.insecure === true,
    onError: tell,
  });
  await serving.open();
  await serving.put(found);
  const ready = (): void => sayReady(serving, options, context);
  const { RunningServices } = await import("../service/running.ts");
  const endpoint = serving.endpoints[0] ?? "";
  const record = {
    name: serving.name,
    endpoint,
    target: word,
    ...(keys && { service: keys.service }),
  };
  using _known = new RunningServices(context.env).add(record);
  const reload = async (): Promise<void> => {
    try {
      await serving.put(await loader.load(word));
      ready();
    } catch (error) {
      // What was served before goes on.
      tell(error);
    }
  };
  using _watching = options.watch ? watchFiles(loader, reload) : undefined;
  ready();
  interrupts.onSecond(() => process.exit(EXIT.cancelled));
  await interrupts.first();
}

/** The keys to listen with. Whoever speaks zerorpc's other patterns could not prove one. */
async function keysFor(
  found: string,
  options: ServeOptions,
  context: Context,
): Promise<OwnKeys | undefined> {
  const { ownKeys } = await import("../service/own-keys.ts");
  const keys = ownKeys(options.name ?? found, options, context);
  const { connect = [], pull, sub } = options;
  if (keys !== undefined && (connect.length > 0 || pull || sub)) {
    throw usage("zerorpc has no keys: --connect, --pull and --sub go without --keys and ZP_KEYS");
  }
  if (keys === undefined && options.service !== undefined) {
    throw usage("--service says whose keys: give their folder with --keys or ZP_KEYS");
  }
  return keys;
}

function sayReady(
  { name, endpoints, methods }: { name: string; endpoints: string[]; methods: number },
  { json }: ServeOptions,
  { terminal }: Context,
): void {
  if (json) return terminal.note(JSON.stringify({ name, endpoints, methods }));
  const count = `${methods} method${methods === 1 ? "" : "s"}`;
  terminal.note(`serving ${name} (${count}) at ${endpoints.join(", ")}`);
}

/** A module that ends the process while it is loaded is told from a service that has ended. */
class EarlyExit implements Disposable {
  readonly #heard: (code: number) => void;

  constructor(word: string, { terminal }: Context) {
    this.#heard = (code) => {
      terminal.note(`zp: ${word} ends the process while it is loaded, with status ${code}`);
      process.exitCode = EXIT.failure;
    };
    process.once("exit", this.#heard);
  }

  loaded(): void {
    process.off("exit", this.#heard);
  }

  [Symbol.dispose](): void {
    this.loaded();
  }
}
