/** A producer of the chaos suites: `endpoint history`; writes down each job whose `add` has resolved. */
import { openSync, writeSync } from "node:fs";
import { connectQueue } from "@zeroplane/patterns";
import { type Errand, QUEUE } from "./errand.ts";

const LANES = 50;
const [endpoint = "", history = ""] = process.argv.slice(2);
process.once("disconnect", () => process.exit(0));
const log = openSync(history, "a");
const queue = connectQueue<Errand, number>(endpoint, QUEUE, { timeoutMs: 60_000 });
for (let lane = 0; lane < LANES; lane++) void addForEver();
process.send?.("ready");

async function addForEver(): Promise<never> {
  for (let number = 0; ; number++) {
    const { id } = await queue.add({ number });
    writeSync(log, `${id}\n`);
  }
}
