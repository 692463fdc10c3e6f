import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { Zp } from "./zp.ts";

/** A running platform, and how to talk to it. */
export interface Platform {
  readonly zp: Zp;
  /** Where HTTP requests for any app go, or `undefined` to go where the app's address says. */
  readonly stop: () => Promise<void>;
}

/** Starts the platform on this machine with `zp up`. */
export async function startHere(folder: string): Promise<Platform> {
  const zp = new Zp(["--data", folder]);
  const { code } = await zp.run(["up", "--detach"]);
  if (code !== 0)
    throw new Error(`zp up ended with ${code}; its logs are in ${join(folder, "logs")}`);
  const stop = async (): Promise<void> => {
    await zp.run(["down"]);
  };
  return { zp, stop };
}

/** Uses the platform that `docker compose up --wait` has started; its keys are copied out of it. */
export function useCompose(folder: string): Platform {
  const keys = join(folder, "keys");
  mkdirSync(keys, { recursive: true, mode: 0o700 });
  execFileSync("docker", ["compose", "cp", "deploy-api:/keys/.", keys], { stdio: "ignore" });
  for (const file of readdirSync(keys)) chmodSync(join(keys, file), 0o600);
  const port = (name: string, usual: number): string =>
    `tcp://127.0.0.1:${process.env[name] ?? String(usual)}`;
  const env = {
    ZP_KEYS: keys,
    ZP_API: port("ZP_API_PORT", 4600),
    ZP_LOG_QUERIES: port("ZP_LOGS_PORT", 4610),
    ZP_TRACE_QUERIES: port("ZP_TRACES_PORT", 4620),
    ZP_TRACES: port("ZP_PIPE_PORT", 4621),
  };
  return { zp: new Zp([], env), stop: async () => undefined };
}
