import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { connect as dial } from "node:net";
import { delimiter, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Svcm } from "@nats-io/services";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { freePort } from "./free-port.ts";
import type { Peer } from "./peer.ts";

const BINARY = "nats-server";
const LOOK_MS = 20;
const TIMEOUT = { timeout: 30_000 };

/** NATS services over a nats-server of its own, JSON arguments, bytes as they are. */
export const nats: Peer = {
  name: "nats",
  missing: () => {
    const folders = (process.env["PATH"] ?? "").split(delimiter);
    const isThere = folders.some((folder) => existsSync(join(folder, BINARY)));
    return isThere ? undefined : `no ${BINARY} on PATH`;
  },
  serve: async () => {
    const port = await freePort();
    const broker = spawn(BINARY, ["-a", "127.0.0.1", "-p", String(port)], { stdio: "ignore" });
    process.once("exit", () => broker.kill());
    await listening(port);
    const servers = `127.0.0.1:${port}`;
    await offer(await connect({ servers }));
    return servers;
  },
  connect: async (servers) => {
    const connection = await connect({ servers });
    const add = async (a: number, b: number): Promise<number> => {
      const answer = await connection.request("sums.add", JSON.stringify({ a, b }), TIMEOUT);
      return answer.json<number>();
    };
    await add(0, 0);
    return {
      call: add,
      echo: async ({ bytes }) => (await connection.request("sums.echo", bytes, TIMEOUT)).data,
      close: () => connection.close(),
    };
  },
};

async function offer(connection: NatsConnection): Promise<void> {
  const service = await new Svcm(connection as never).add({ name: "sums", version: "1.0.0" });
  const group = service.addGroup("sums");
  group.addEndpoint("add", (_error, message) => {
    const { a, b } = message.json<{ a: number; b: number }>();
    message.respond(JSON.stringify(a + b));
  });
  group.addEndpoint("echo", (_error, message) => {
    message.respond(message.data);
  });
  await connection.flush();
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
