/** A process of the chaos suites: `dealer endpoint file options` or `worker endpoint name history credit`. */
import { openSync, writeSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { KeyPair, listen } from "@zeroplane/link";
import { openQueue, startWorker } from "@zeroplane/patterns";
import { type Errand, QUEUE } from "./errand.ts";

const [role, ...args] = process.argv.slice(2);
process.once("disconnect", () => process.exit(0));
if (role === "dealer") await deal(args);
else if (role === "worker") work(args);

async function deal([endpoint = "", file = "", options = "{}"]: string[]): Promise<void> {
  const startMs = performance.now();
  const { secret, friend, ...settings } = JSON.parse(options) as {
    readonly secret?: [string, string];
    readonly friend?: string;
  };
  const keys = secret && {
    key: new KeyPair(...secret),
    trust: (each: string) => each === friend,
  };
  const listener = await listen(endpoint, { ...(keys && { keys }) });
  const queue = openQueue<Errand, number>(QUEUE, listener, { file, producers: true, ...settings });
  process.send?.({ openMs: Math.round(performance.now() - startMs), jobs: queue.stats().jobs });
}

function work([endpoint = "", name = "", history = "", credit = "1"]: string[]): void {
  const log = openSync(history, "a");
  const run = async (
    errand: Errand,
    { id, attempt }: { id: string; attempt: number },
  ): Promise<number> => {
    writeSync(log, `${id}/${attempt}\n`);
    if (errand.kills === "abort") process.kill(process.pid, "SIGKILL");
    if (errand.kills === "exit") process.exit(3);
    if (errand.throws === true) throw new Error("as it was asked to");
    if (errand.blockMs !== undefined) block(errand.blockMs);
    if (errand.ms !== undefined) await sleep(errand.ms);
    return errand.number;
  };
  const worker = startWorker<Errand, number>(endpoint, QUEUE, run, {
    name,
    credit: Number(credit),
  });
  process.once("SIGTERM", () => void worker.close().then(() => process.exit(0)));
  process.send?.("ready");
}

function block(ms: number): void {
  const until = performance.now() + ms;
  while (performance.now() < until);
}
