import { spawn } from "node:child_process";
import { closeSync, fstatSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CliError } from "../cli-error.ts";
import type { LaunchOptions } from "./launcher.ts";
import type { PlatformRecord } from "./platform-file.ts";
import { lastLines } from "./process-log.ts";

/** Set for a `zp up` in the background, which says on a channel when it is ready. */
const DETACHED = "ZP_DETACHED";
const LAST_LINES = 12;

/**
 * Starts `zp up` in the background and waits until it is ready. What it prints goes to
 * `logs/up.log` of the data folder.
 * @throws CliError ERR_CLI_START with what it said, when it ends instead; ERR_CLI_CANCELLED
 */
export async function detach(
  { dataFolder, sizes, ports }: LaunchOptions,
  signal: AbortSignal,
): Promise<PlatformRecord> {
  const folder = join(dataFolder, "logs");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, "up.log");
  const log = openSync(file, "a");
  const before = fstatSync(log).size;
  const main = fileURLToPath(new URL("../main.ts", import.meta.url));
  const given = { ...sizes, port: ports.http, "api-port": ports.api, data: dataFolder };
  const options = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, String(value)],
  );
  const child = spawn(process.execPath, ["-C", "@zeroplane/source", main, "up", ...options], {
    detached: true,
    stdio: ["ignore", log, log, "ipc"],
    env: { ...process.env, [DETACHED]: "1" },
  });
  closeSync(log);
  const stop = (): void => void child.kill("SIGTERM");
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await new Promise<PlatformRecord>((resolve, reject) => {
      child.once("message", (record) => resolve(record as PlatformRecord));
      child.once("error", reject);
      child.once("exit", () => {
        const said = lastLines(readFileSync(file).subarray(before).toString(), LAST_LINES);
        const text = said.map((line) => line.replace(/^zp: /, "")).join("\n");
        const cancelled = new CliError("ERR_CLI_CANCELLED", "stopped before it was ready");
        reject(signal.aborted ? cancelled : new CliError("ERR_CLI_START", text || "it ended"));
      });
    });
  } finally {
    signal.removeEventListener("abort", stop);
    if (child.connected) child.disconnect();
    child.unref();
  }
}

/** Tells whoever waits for this process in the background that it is ready. */
export function announce(record: PlatformRecord): void {
  if (process.env[DETACHED] === undefined || process.send === undefined) return;
  process.send(record, undefined, undefined, () => {
    if (process.connected) process.disconnect();
  });
}
