import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { PeerProcess } from "../peer-process.ts";
import { freePort } from "../peers/free-port.ts";
import type { Contestant } from "./contestants.ts";
import { PAYLOAD } from "./payload.ts";

const SCRIPT = new URL("worker-process.ts", import.meta.url);
const BULK = 100;
const TRIES = 100;

/** BullMQ on a Redis of its own that appends to its file and syncs it once a second; adds in bulk. */
export async function startBullmq(): Promise<Contestant | string> {
  if (spawnSync("redis-server", ["--version"]).error !== undefined) {
    return "it needs redis-server (apt-get install redis-server)";
  }
  const folder = mkdtempSync(join(tmpdir(), "zp-redis-"));
  const port = await freePort();
  const redis = spawn(
    "redis-server",
    ["--port", String(port), "--dir", folder, "--appendonly", "yes", "--save", ""],
    { stdio: "ignore" },
  );
  await answers(port);
  const connection = new Redis(port, "127.0.0.1", { maxRetriesPerRequest: null });
  const queue = new Queue("bench", { connection });
  const worker = await PeerProcess.fork(SCRIPT, ["bullmq", String(port)]);
  return {
    isSlow: true,
    run: async (count) => {
      for (let left = count; left > 0; left -= BULK) {
        const size = Math.min(BULK, left);
        const opts = { removeOnComplete: true };
        await queue.addBulk(
          Array.from({ length: size }, () => ({ name: "j", data: PAYLOAD, opts })),
        );
      }
      while ((await queue.getJobCountByTypes("wait", "active", "prioritized")) > 0) await sleep(2);
    },
    [Symbol.asyncDispose]: async () => {
      await worker[Symbol.asyncDispose]();
      await queue.close();
      connection.disconnect();
      await ended(redis);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answers(port: number): Promise<void> {
  for (let left = TRIES; left > 0; left--) {
    const socket = connect(port, "127.0.0.1");
    const isThere = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "error").then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isThere) return;
    await sleep(50);
  }
  throw new Error("redis-server does not answer");
}

async function ended(child: ChildProcess): Promise<void> {
  const exited = once(child, "exit");
  child.kill("SIGTERM");
  await exited;
}
