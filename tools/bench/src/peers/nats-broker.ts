import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { connect as dial } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort } from "./free-port.ts";

const BINARY = "nats-server";
const LOOK_MS = 20;

/** A nats-server of this process. */
export interface Broker extends AsyncDisposable {
  readonly servers: string;
}

/** @returns why there is no nats-server here */
export function brokerMissing(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const isThere = folders.some((folder) => existsSync(join(folder, BINARY)));
  return isThere ? undefined : `no ${BINARY} on PATH`;
}

/** Starts one on a free port. @param folder where it keeps streams; without it there are none */
export async function startBroker(folder?: string): Promise<Broker> {
  const port = await freePort();
  const streams = folder === undefined ? [] : ["-js", "-sd", folder];
  const args = ["-a", "127.0.0.1", "-p", String(port), ...streams];
  const broker = spawn(BINARY, args, { stdio: "ignore" });
  const kill = (): boolean => broker.kill();
  process.once("exit", kill);
  await listening(port);
  return {
    servers: `127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      process.off("exit", kill);
      const exited = once(broker, "exit");
      broker.kill();
      await exited;
    },
  };
}

async function listening(port: number): Promise<void> {
  for (;;) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = dial(port, "127.0.0.1");
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
      socket.once("connect", () => socket.destroy());
    });
    if (isThere) return;
    await sleep(LOOK_MS);
  }
}
