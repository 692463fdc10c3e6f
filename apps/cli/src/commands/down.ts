import { existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import { CliError } from "../cli-error.ts";
import type { Context, PlatformOptions } from "../context.ts";
import { LOCK_NAME, PidLock } from "../platform/pid-lock.ts";
import { send } from "../platform/process-table.ts";
import { endLeftovers, PROCESSES_NAME } from "../platform/processes.ts";

const STOP_MS = 120_000;
const POLL_MS = 100;

/** `zp down`. */
export function addDown(program: Command, context: Context): void {
  program
    .command("down")
    .description("stop the platform of this machine")
    .option("--data <folder>", "data folder of the platform (default: nearest .zeroplane)")
    .option("--json", "print JSON")
    .action((options: PlatformOptions) => down(options, context));
}

async function down(options: PlatformOptions, context: Context): Promise<void> {
  const folder = context.dataFolder(options);
  const { terminal } = context;
  const lock = join(folder, LOCK_NAME);
  const holder = PidLock.holder(lock);
  if (holder === undefined) {
    const ended = existsSync(folder) ? await endWhatIsLeft(folder) : 0;
    if (options.json) return terminal.json({ folder, stopped: ended });
    const told = ended === 0 ? "nothing runs" : `ended ${ended} processes that were left`;
    return terminal.note(`${told} in ${folder}`);
  }
  send(holder.pid, "SIGTERM");
  const deadline = performance.now() + STOP_MS;
  while (PidLock.holder(lock)?.pid === holder.pid) {
    if (performance.now() >= deadline) {
      const text = `pid ${holder.pid} did not stop within ${STOP_MS / 1_000} s`;
      throw new CliError("ERR_CLI_START", text);
    }
    await sleep(POLL_MS);
  }
  if (options.json) terminal.json({ folder, pid: holder.pid });
  else terminal.note(`stopped ${folder}`);
}

/** Under the lock, so that no `zp up` that is just starting loses its processes. */
async function endWhatIsLeft(folder: string): Promise<number> {
  using _lock = PidLock.take(join(folder, LOCK_NAME));
  return (await endLeftovers(join(folder, PROCESSES_NAME))).length;
}
