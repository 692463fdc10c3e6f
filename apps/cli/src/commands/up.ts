import { resolve } from "node:path";
import type { Command } from "commander";
import { wholeNumber } from "../command.ts";
import type { Context } from "../context.ts";
import { EXIT } from "../exit-code.ts";
import { Interrupts } from "../interrupts.ts";
import type { Launcher, LaunchOptions } from "../platform/launcher.ts";
import { DATA_NAME } from "../platform/locate.ts";
import { openPage } from "../platform/open-page.ts";
import type { PlatformRecord } from "../platform/platform-file.ts";
import { LaunchView } from "../render/launch-view.ts";

interface Options {
  readonly data?: string;
  readonly port?: number;
  readonly apiPort?: number;
  readonly builders: number;
  readonly runners: number;
  readonly routers: number;
  readonly open?: boolean;
  readonly detach?: boolean;
  readonly json?: boolean;
}

const COUNT = 2;
const COUNT_MAX = 32;
const PORT_MAX = 65_535;

/** `zp up`. */
export function addUp(program: Command, context: Context): void {
  const count = wholeNumber(1, COUNT_MAX);
  const port = wholeNumber(1, PORT_MAX);
  program
    .command("up")
    .description("run a whole platform on this machine")
    .option("--data <folder>", `where it keeps everything (default: ${DATA_NAME} in this folder)`)
    .option("--port <port>", "HTTP port of the first router, where apps answer", port)
    .option("--api-port <port>", "port of the deploy API", port)
    .option("--builders <n>", "builders", count, COUNT)
    .option("--runners <n>", "runners", count, COUNT)
    .option("--routers <n>", "routers", count, COUNT)
    .option("--open", "open the page of the platform in a browser")
    .option("--detach", "return once it is ready; stop it with zp down")
    .option("--json", "print where everything is as JSON")
    .action((options: Options) => up(options, context));
}

async function up(options: Options, context: Context): Promise<void> {
  const { env, cwd } = context;
  const dataFolder = resolve(cwd, options.data ?? (env["ZP_DATA_DIR"] || DATA_NAME));
  const { builders, runners, routers, port: http, apiPort: api } = options;
  const launch = { dataFolder, sizes: { builders, runners, routers }, ports: { http, api } };
  if (options.detach) {
    const { detach } = await import("../platform/detach.ts");
    using interrupts = new Interrupts();
    return tell(await detach(launch, interrupts.signal), options, context, dataFolder);
  }
  await run(launch, options, context);
}

async function run(launch: LaunchOptions, options: Options, context: Context): Promise<void> {
  const { Launcher: Opened } = await import("../platform/launcher.ts");
  const { announce } = await import("../platform/detach.ts");
  using interrupts = new Interrupts();
  const { signal } = interrupts;
  using view = new LaunchView(context.terminal.live(), context.terminal.noteStyle);
  await using launcher: Launcher = new Opened(launch, view);
  interrupts.onSecond(() => {
    launcher.kill();
    process.exit(EXIT.cancelled);
  });
  try {
    const record = await launcher.start(signal);
    view.finish();
    tell(record, options, context, launcher.dataFolder);
    announce(record);
    await interrupts.first();
  } catch (error) {
    if (!signal.aborted) throw error;
    context.exitCode = EXIT.cancelled;
  }
  view.stopping();
}

/** Where everything is. */
function tell(
  record: PlatformRecord,
  options: Options,
  context: Context,
  dataFolder: string,
): void {
  const { terminal } = context;
  const [router = ""] = record.routers;
  const page = record.console ?? router;
  if (options.open) openPage(page, () => terminal.note(`open ${page} in a browser`));
  if (options.json) return terminal.json(record);
  const apps = router.replace("//localhost", "//<app>.localhost");
  const lines = [
    ["apps", `${apps}/`],
    ...(record.console === undefined ? [] : [["console", `${record.console}/`]]),
    ["api", record.api],
    ["data", dataFolder],
  ];
  const { style } = terminal;
  terminal.print(...lines.map(([name = "", value]) => `  ${style.dim(name.padEnd(8))} ${value}`));
  const stop = options.detach ? "zp down" : "Ctrl-C";
  terminal.note(`deploy a folder with: zp deploy FOLDER; stop with: ${stop}`);
}
