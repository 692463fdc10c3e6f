/** Collects what a contestant sends, in a process of its own, and counts it. */
import { collectPipe } from "@zeroplane/patterns";
import { Pull } from "zeromq";
import { answerParent } from "../peer-process.ts";
import type { Wait } from "./followers-process.ts";

const POLL_MS = 1;
const [kind = ""] = process.argv.slice(2);
let count = 0;

async function start(): Promise<string> {
  if (kind === "zeroplane") {
    const collector = await collectPipe({ onMessage: () => void count++ });
    return `tcp://127.0.0.1:${collector.port}`;
  }
  const socket = new Pull({ receiveHighWaterMark: 0 });
  await socket.bind("tcp://127.0.0.1:*");
  void (async () => {
    for await (const _ of socket) count++;
  })();
  return socket.lastEndpoint ?? "";
}

answerParent(await start(), async ({ atLeast, ms }: Wait) => {
  const deadline = performance.now() + ms;
  while (count < atLeast && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return count;
});
