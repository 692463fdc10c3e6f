/**
 * A process of the feed suite: `publisher endpoint history folder|-` or
 * `follower endpoint kind histories`. What happens is written down at once, a line each.
 */
import { openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { listen } from "@zeroplane/link";
import { type FeedEvent, follow, openFeed } from "@zeroplane/patterns";

/** What a process says of itself when it is asked. */
export interface FeedWord {
  /** Publisher: the last number it gave. Follower: the highest number it wrote down. */
  readonly head: number;
  readonly epoch: number;
  readonly file: string;
}

/** How a follower follows. */
export type Kind = "quick" | "narrow" | "slow" | "lossy";

const FEED = "chaos";
const TICK_MS = 10;
const BURST = 10;
const TOPICS = ["a.1", "a.2", "b.1", "b.2", "b.3"];
const SLOW_MS = 1;
const RESUME_MS = 2_000;
const HISTORY_BYTES = 64 * 1024 * 1024;

const [role, endpoint = "", ...rest] = process.argv.slice(2);
process.once("disconnect", () => process.exit(0));
if (role === "publisher") await publish(rest);
else if (role === "follower") void followAs(rest);

async function publish([history = "", folder = "-"]: string[]): Promise<void> {
  const listener = await listen(endpoint, { resumeMs: RESUME_MS });
  const kept = folder === "-" ? { historyBytes: HISTORY_BYTES } : { folder };
  const feed = await openFeed<number>(FEED, listener, { node: "publisher", ...kept });
  const log = openSync(history, "a");
  const epoch = folder === "-" ? process.pid : 0;
  let isBusy = true;
  let head = feed.stats().head;
  setInterval(() => {
    for (let left = isBusy ? BURST : 0; left > 0; left--) {
      const topic = TOPICS[Math.floor(Math.random() * TOPICS.length)] ?? "";
      head = feed.put(topic, epoch);
      writeSync(log, `${epoch} ${head} ${topic}\n`);
    }
  }, TICK_MS);
  process.on("message", ({ rest: isOver }: { readonly rest?: true }) => {
    if (isOver === true) isBusy = false;
    process.send?.({ head, epoch, file: history } satisfies FeedWord);
  });
  process.send?.("ready");
}

/** The value of a message is the life of its publisher: a log lives on under 0. */
async function followAs([kind = "quick", folder = ""]: string[]): Promise<void> {
  const file = join(folder, `${kind}-${process.pid}`);
  const log = openSync(file, "a");
  let word = { head: 0, epoch: 0 };
  process.on("message", () => process.send?.({ ...word, file } satisfies FeedWord));
  const topics = kind === "narrow" ? ["b.*"] : [">"];
  const slow = kind === "lossy" ? "drop-oldest-and-say" : "replay";
  const maxLag = kind === "lossy" ? { messages: 200 } : { messages: 1_000 };
  const options = { topics, from: "start", slow, maxLag, node: kind } as const;
  const following = follow<number>(endpoint, FEED, options);
  process.send?.("ready");
  for await (const event of following) {
    writeSync(log, lineOf(event));
    // Messages of several topics may overtake each other.
    if ("value" in event) {
      const head = event.value === word.epoch ? Math.max(word.head, event.seq) : event.seq;
      word = { head, epoch: event.value };
    } else if ("gap" in event) word = { ...word, head: Math.max(word.head, event.gap.to) };
    if (kind === "slow" || kind === "lossy") await sleep(SLOW_MS);
  }
}

function lineOf(event: FeedEvent<number>): string {
  if ("gap" in event) return `g ${event.gap.epoch} ${event.gap.from} ${event.gap.to}\n`;
  if ("reset" in event) return "r\n";
  return `m ${event.epoch} ${event.seq} ${event.topic} ${event.value}\n`;
}
