import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { listen } from "@zeroplane/link";
import { openQueue } from "@zeroplane/patterns";
import fastq from "fastq";
import PQueue from "p-queue";
import { Pull, Push } from "zeromq";
import { PeerProcess } from "../peer-process.ts";
import { startBullmq } from "./bullmq.ts";
import { lanes } from "./lanes.ts";
import { PAYLOAD } from "./payload.ts";

/** Something that does jobs. */
export interface Contestant extends AsyncDisposable {
  /** True when it does far fewer a second than the others. */
  readonly isSlow?: boolean;
  /** Adds `count` jobs of 200 bytes, and resolves when all of them are done. */
  run(count: number): Promise<void>;
}

/** Starts it. @returns why it cannot be, as a text */
type Start = () => Promise<Contestant | string>;

const CREDIT = 512;
const POLL_MS = 2;
const SCRIPT = new URL("worker-process.ts", import.meta.url);

/** All that are measured; ours and those across processes have their worker in another one. */
export const CONTESTANTS: Readonly<Record<string, Start>> = {
  "zeroplane, memory": () => startOurs(false),
  "zeroplane, SQLite file": () => startOurs(true),
  bullmq: startBullmq,
  "raw zeromq PUSH/PULL": startRaw,
  "fastq, one process": async () => inProcess(startFastq()),
  "p-queue, one process": async () => inProcess(startPQueue()),
};

async function startOurs(isDurable: boolean): Promise<Contestant> {
  const folder = mkdtempSync(join(tmpdir(), "zp-bench-"));
  const listener = await listen("tcp://127.0.0.1:*");
  const file = join(folder, "jobs.db");
  const options = isDurable ? { file, keepMax: 1_000 } : { keepMax: 1_000 };
  const queue = openQueue<typeof PAYLOAD>("bench", listener, options);
  const worker = await PeerProcess.fork(SCRIPT, ["zeroplane", listener.endpoint]);
  return {
    run: async (count) => {
      await lanes(count, async () => void (await queue.add(PAYLOAD)));
      for (;;) {
        const { jobs, pending } = queue.stats();
        if (jobs.ready + jobs.leased + pending === 0) return;
        await sleep(POLL_MS);
      }
    },
    [Symbol.asyncDispose]: async () => {
      await worker[Symbol.asyncDispose]();
      await queue.close();
      await listener.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Jobs out by one pair of sockets, their ends back by another; nothing is kept, nothing tried again. */
async function startRaw(): Promise<Contestant> {
  const [out, back] = [new Push({ sendHighWaterMark: 0 }), new Pull({ receiveHighWaterMark: 0 })];
  await out.bind("tcp://127.0.0.1:*");
  await back.bind("tcp://127.0.0.1:*");
  const args = ["raw", out.lastEndpoint ?? "", back.lastEndpoint ?? ""];
  const worker = await PeerProcess.fork(SCRIPT, args);
  const body = Buffer.from(JSON.stringify(PAYLOAD));
  return {
    run: async (count) => {
      const all = (async () => {
        for (let left = count; left > 0; left--) await back.receive();
      })();
      for (let left = count; left > 0; left--) await out.send(body);
      await all;
    },
    [Symbol.asyncDispose]: async () => {
      await worker[Symbol.asyncDispose]();
      out.close();
      back.close();
    },
  };
}

function startFastq(): (payload: unknown) => Promise<unknown> {
  const queue = fastq.promise(async () => await Promise.resolve(1), CREDIT);
  return async (payload) => await queue.push(payload);
}

function startPQueue(): (payload: unknown) => Promise<unknown> {
  const queue = new PQueue({ concurrency: CREDIT });
  return async () => await queue.add(async () => await Promise.resolve(1));
}

function inProcess(add: (payload: unknown) => Promise<unknown>): Contestant {
  return {
    run: async (count) => await lanes(count, async () => void (await add(PAYLOAD))),
    [Symbol.asyncDispose]: async () => await Promise.resolve(),
  };
}
