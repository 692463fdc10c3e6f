import { median } from "../load.ts";
import { type CatchUp, measureCatchUp } from "../streams/catch-up.ts";
import { type FanOut, SOURCES, startFanOut } from "../streams/fan-out.ts";
import { type FeedLatency, measureLatency } from "../streams/latency.ts";

/** Copies a second to so many followers, by who publishes. */
export interface FeedRow {
  readonly name: string;
  readonly followers: number;
  readonly copiesPerSecond: number;
  readonly spread: readonly [number, number];
}

/** What of feeds was measured. */
export interface FeedReport {
  readonly rows: readonly FeedRow[];
  readonly skipped: Readonly<Record<string, string>>;
  readonly catchUp: CatchUp;
  readonly latencyUs: FeedLatency;
  /** Ours over theirs, median of the rounds' own ratios. */
  readonly ratios: Readonly<Record<string, number>>;
}

const FOLLOWERS = [1, 10, 100];
const QUICK = { rounds: 3, copies: 200_000, kept: 200_000, alone: 500 };
const FULL = { rounds: 7, copies: 1_000_000, kept: 1_000_000, alone: 3_000 };
const OURS = "zeroplane";

/** Fan-out in bulk beside others. */
export async function measureFeed(isQuick: boolean): Promise<FeedReport> {
  const { rounds, copies, kept, alone } = isQuick ? QUICK : FULL;
  const rows: FeedRow[] = [];
  const skipped: Record<string, string> = {};
  const ratios: Record<string, number> = {};
  for (const followers of FOLLOWERS) {
    await using stack = new AsyncDisposableStack();
    const started: [string, FanOut][] = [];
    for (const [name, start] of Object.entries(SOURCES)) {
      const source = await start();
      if (typeof source === "string") skipped[name] = source;
      else started.push([name, stack.use(await startFanOut(stack.use(source), followers))]);
    }
    const rates = await race(started, { rounds, followers, copies });
    for (const [name, each] of rates) {
      const spread = [Math.min(...each), Math.max(...each)] as const;
      rows.push({ name, followers, copiesPerSecond: median(each), spread });
      if (name !== OURS) ratios[`${followers}/${name}`] = ratio(rates.get(OURS) ?? [], each);
    }
  }
  const catchUp = await measureCatchUp(kept);
  return { rows, skipped, ratios, catchUp, latencyUs: await measureLatency(alone) };
}

async function race(
  started: readonly (readonly [string, FanOut])[],
  how: { readonly rounds: number; readonly followers: number; readonly copies: number },
): Promise<Map<string, number[]>> {
  const rates = new Map<string, number[]>();
  const count = Math.max(1_000, Math.round(how.copies / how.followers));
  for (const [, fanOut] of started) await fanOut.run(Math.round(count / 5));
  for (let round = 0; round < how.rounds; round++) {
    for (const [name, fanOut] of round % 2 === 0 ? started : started.toReversed()) {
      const startMs = performance.now();
      await fanOut.run(count);
      const seconds = (performance.now() - startMs) / 1_000;
      const rate = Math.round((count * how.followers) / seconds);
      rates.set(name, [...(rates.get(name) ?? []), rate]);
    }
  }
  return rates;
}

const ratio = (ours: readonly number[], theirs: readonly number[]): number =>
  Number(median(ours.map((rate, round) => rate / (theirs[round] ?? Number.NaN))).toFixed(2));

/** The report for people. */
export function feedLines({ rows, skipped, ratios, catchUp, latencyUs }: FeedReport): string[] {
  return [
    "feed, in bulk           followers  copies a second  spread",
    ...rows.map(({ name, followers, copiesPerSecond, spread }) =>
      [
        name.padEnd(22),
        String(followers).padStart(9),
        String(copiesPerSecond).padStart(15),
        spread.join("-"),
      ].join("  "),
    ),
    ...Object.entries(skipped).map(([name, why]) => `${name}: skipped, ${why}`),
    `ours over theirs: ${JSON.stringify(ratios)}`,
    `read from the log: ${JSON.stringify(catchUp)}`,
    `one message alone, us: ${JSON.stringify(latencyUs)}`,
  ];
}
