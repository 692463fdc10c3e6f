/** The worker of a contestant, in a process of its own: it does nothing with each job. */
import { startWorker } from "@zeroplane/patterns";
import { Worker } from "bullmq";
import { Redis } from "ioredis";
import { Pull, Push } from "zeromq";
import { answerParent } from "../peer-process.ts";

const CREDIT = 512;
const [kind, ...args] = process.argv.slice(2);
if (kind === "zeroplane") startWorker(args[0] ?? "", "bench", () => 1, { credit: CREDIT });
else if (kind === "bullmq") {
  const connection = new Redis(Number(args[0]), "127.0.0.1", { maxRetriesPerRequest: null });
  const worker = new Worker("bench", async () => await Promise.resolve(1), {
    connection,
    concurrency: CREDIT,
  });
  await worker.waitUntilReady();
} else void echo(args);
answerParent("ready", () => null);

async function echo([jobs = "", ends = ""]: string[]): Promise<void> {
  const [from, to] = [new Pull({ receiveHighWaterMark: 0 }), new Push({ sendHighWaterMark: 0 })];
  from.connect(jobs);
  to.connect(ends);
  for await (const _ of from) await to.send("done");
}
