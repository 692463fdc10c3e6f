import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "@zeroplane/link/testing";
import { freePort } from "../work/town.ts";
import { Cast, type Harm, harm, until } from "./cast.ts";
import { checkFollower, putsOf } from "./feed-checker.ts";
import type { FeedWord, Kind } from "./feed-process.ts";

const SCRIPT = new URL("feed-process.ts", import.meta.url);
const KINDS: readonly Kind[] = ["quick", "narrow", "slow", "lossy"];
const PATTERNS: Readonly<Record<Kind, string>> = {
  quick: ">",
  narrow: "b.*",
  slow: ">",
  lossy: ">",
};
const FAULTS_MS = 25_000;
const SETTLE_MS = 60_000;

/** What a run of a feed was like. */
interface FeedRun extends Omit<Harm, "cuts"> {
  readonly puts: number;
  /** Lives of followers, and what they have written down in all. */
  readonly lives: number;
  readonly messages: number;
  readonly gaps: number;
  readonly resets: number;
}

/**
 * `npm run chaos -- feed`: a publisher with a log, then one with its history in memory, and
 * followers that are quick, that follow some topics, and that are slow, are killed and stopped.
 * Each life of a follower begins at the start of what is kept, and has every message once and in
 * order, or a gap that names it; a publisher that forgot is one reset.
 */
export async function chaosFeed(seed: number): Promise<object> {
  return { seed, log: await run(seed, true), memory: await run(seed + 1, false) };
}

async function run(seed: number, hasLog: boolean): Promise<FeedRun> {
  const endpoint = `tcp://127.0.0.1:${await freePort()}`;
  await using cast = new Cast();
  const history = join(cast.folder, "history");
  const stories = join(cast.folder, "stories");
  mkdirSync(stories);
  const log = hasLog ? join(cast.folder, "log") : "-";
  await cast.start("publisher", SCRIPT, ["publisher", endpoint, history, log]);
  for (const kind of KINDS) await cast.start(kind, SCRIPT, ["follower", endpoint, kind, stories]);
  const random = new Random(seed);
  const names = ["publisher", ...KINDS];
  // Every line ends with its process; lines that fail alone are the suites of link.
  const done = await harm(cast, { random, names, forMs: FAULTS_MS });
  const { epoch } = await cast.ask<FeedWord>("publisher", { rest: true });
  const puts = putsOf(readFileSync(history, "utf8"));
  await until(SETTLE_MS, () => behind(cast, epoch, puts));
  const alive = new Set<string>();
  for (const kind of KINDS) alive.add((await cast.ask<FeedWord>(kind, {})).file);
  const total = { messages: 0, gaps: 0, resets: 0 };
  const files = readdirSync(stories).map((name) => join(stories, name));
  for (const file of files) {
    const name = file.slice(stories.length + 1);
    const pattern = PATTERNS[name.split("-")[0] as Kind];
    const how = { puts, pattern, isWhole: alive.has(file) };
    const checked = checkFollower(name, readFileSync(file, "utf8"), how);
    total.messages += checked.messages;
    total.gaps += checked.gaps;
    total.resets += checked.resets;
  }
  const { kills, stops } = done;
  return { kills, stops, puts: puts.length, lives: files.length, ...total };
}

/** @returns who has not got to the last message of the last life */
async function behind(
  cast: Cast,
  epoch: number,
  puts: ReturnType<typeof putsOf>,
): Promise<string | undefined> {
  for (const kind of KINDS) {
    const word = await cast.ask<FeedWord>(kind, {});
    const topics = kind === "narrow" ? puts.filter(({ topic }) => topic.startsWith("b.")) : puts;
    const last = topics.at(-1)?.seq ?? 0;
    if (word.epoch !== epoch || word.head < last)
      return `${kind} is at ${word.epoch}/${word.head}, not at ${epoch}/${last}`;
  }
  return undefined;
}
