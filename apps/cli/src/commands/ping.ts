import type { Command } from "commander";
import type { Target } from "../access.ts";
import { platformCommand, wholeNumber } from "../command.ts";
import type { Context, PlatformOptions } from "../context.ts";
import { exitCodeOf } from "../exit-code.ts";
import { remoteCommand, withExamples } from "../remote-command.ts";
import { errorLines } from "../render/errors.ts";
import { safe } from "../render/text.ts";
import { formatMs } from "../render/units.ts";
import type { RemoteOptions } from "../service/remote.ts";

interface PingOptions extends RemoteOptions {
  readonly count: number;
}

const PINGS = 4;
const PINGS_MAX = 1_000;
const LS_TIMEOUT_S = 2;

/** `zp ping`, `zp ls`. */
export function addPing(program: Command, context: Context): void {
  withExamples(
    remoteCommand(program, "ping <endpoints...>", "how long services take to answer")
      .option("-n, --count <n>", "how often", wholeNumber(1, PINGS_MAX), PINGS)
      .action((endpoints: string[], options: PingOptions) => ping(endpoints, options, context)),
    "zp ping tcp://127.0.0.1:4242",
    "zp ping deploy-api log-hub --json",
  );
  withExamples(
    platformCommand(program, "ls", "what is up here").action((options: PlatformOptions) =>
      list(options, context),
    ),
    "zp ls",
    "zp ls --json",
  );
}

async function ping(
  endpoints: readonly string[],
  options: PingOptions,
  context: Context,
): Promise<void> {
  const { terminal } = context;
  const results: object[] = [];
  for (const endpoint of endpoints) {
    try {
      results.push(await pingOne(endpoint, options, context));
    } catch (error) {
      if (endpoints.length === 1) throw error;
      results.push({ endpoint, error: error instanceof Error ? error.message : String(error) });
      for (const line of errorLines(error, terminal.noteStyle)) terminal.note(line);
      context.exitCode ??= exitCodeOf(error);
    }
  }
  if (options.json) terminal.json(results.length === 1 ? results[0] : results);
}

async function pingOne(endpoint: string, options: PingOptions, context: Context): Promise<object> {
  const { openRemote } = await import("../service/remote.ts");
  await using remote = await openRemote(endpoint, options, context);
  const { target, dialect } = remote;
  const times: number[] = [];
  // The first one also waits for the connection.
  await remote.call("_zerorpc_ping", []);
  for (let at = 0; at < options.count; at++) {
    const startedAtMs = performance.now();
    await remote.call("_zerorpc_ping", []);
    const ms = performance.now() - startedAtMs;
    times.push(ms);
    if (options.json) continue;
    context.terminal.print(`${safe(target.name)} at ${safe(target.endpoint)}: ${formatMs(ms)}`);
  }
  return { ...target, dialect, ms: times };
}

async function list(options: PlatformOptions, context: Context): Promise<void> {
  const { namesHere } = await import("../service/remote.ts");
  const found = await Promise.all(
    namesHere(options, context).map(async (target) => ({
      ...target,
      ...(await answer(target, options, context)),
    })),
  );
  const { terminal } = context;
  if (options.json) return terminal.json(found);
  const { style } = terminal;
  const rows = found.map(({ name, service = "", endpoint, ms }) => {
    const up = { text: "up", paint: (text: string) => style.good(text) };
    const down = { text: "silent", paint: (text: string) => style.bad(text) };
    return [
      name,
      service,
      endpoint,
      ms === undefined ? down : up,
      ms === undefined ? "-" : formatMs(ms),
    ];
  });
  const nothing = "nothing is up here; start something with: zp serve MODULE, or zp up";
  terminal.table(["NAME", "SERVICE", "ENDPOINT", "STATE", "PING"], rows, nothing);
}

async function answer(
  { endpoint }: Target,
  options: PlatformOptions,
  context: Context,
): Promise<{ readonly ms?: number }> {
  const { openRemote } = await import("../service/remote.ts");
  try {
    const about = { ...options, timeout: LS_TIMEOUT_S };
    await using remote = await openRemote(endpoint, about, context);
    await remote.call("_zerorpc_ping", []);
    const startedAtMs = performance.now();
    await remote.call("_zerorpc_ping", []);
    return { ms: performance.now() - startedAtMs };
  } catch {
    return {};
  }
}
