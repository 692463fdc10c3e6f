/** Opens a queue on a file, and adds as many jobs to it as it is told. */
import { listen } from "@zeroplane/link";
import { openQueue } from "@zeroplane/patterns";
import { answerParent } from "../peer-process.ts";
import { lanes } from "./lanes.ts";
import { PAYLOAD } from "./payload.ts";

const [file = "", count = "0"] = process.argv.slice(2);
const listener = await listen("tcp://127.0.0.1:*");
const startMs = performance.now();
const queue = openQueue("backlog", listener, { file });
const openMs = Math.round(performance.now() - startMs);
await lanes(Number(count), async () => void (await queue.add(PAYLOAD)));
const seconds = (performance.now() - startMs) / 1_000;
const rssMb = Math.round(process.memoryUsage().rss / 1024 / 1024);
answerParent({ openMs, seconds, rssMb }, () => null);
