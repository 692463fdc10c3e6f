import { KeyPair } from "@zeroplane/link";
import type { BenchKeys, CurvePair } from "../link/contestant.ts";
import { measureBombs } from "./link-bombs.ts";
import { type CrowdFigures, measureCrowd } from "./link-crowd.ts";
import { measureDialerDeaths, measureListenerDeaths, type Times } from "./link-deaths.ts";
import { type LinkRatios, type LinkRow, measureRates } from "./link-rates.ts";
import { measureReturn } from "./link-return.ts";
import type { Suite } from "./suite.ts";

/** What `--json` prints last. A ratio is ours over raw. */
export interface LinkReport {
  readonly suite: "link";
  readonly ratios: LinkRatios & { readonly curve: LinkRatios };
  readonly rows: readonly LinkRow[];
  readonly figures: {
    readonly dialerKilled: Times;
    readonly listenerKilled: Times;
    readonly firstAnswerAfterReturn: Times;
    /** Microseconds until a message that would blow up is refused. */
    readonly bombsUs: Readonly<Record<string, number>>;
    readonly crowds: readonly CrowdFigures[];
    readonly rawCrowds: readonly CrowdFigures[];
  };
}

const QUICK = { rounds: 3, ms: 200, crowds: [1_000], deaths: 10 };
const FULL = { rounds: 9, ms: 600, crowds: [2_000, 10_000], deaths: 50 };

/** Sessions beside zeromq.js by hand: rates, memory, deaths and returns. */
export const link: Suite<LinkReport> = {
  run: async (isQuick) => {
    const { crowds, deaths, ...rounds } = isQuick ? QUICK : FULL;
    const plain = await measureRates(undefined, rounds);
    const curve = await measureRates(randomKeys(), rounds);
    return {
      suite: "link",
      ratios: { ...plain.ratios, curve: curve.ratios },
      rows: [...plain.rows, ...curve.rows],
      figures: {
        dialerKilled: await measureDialerDeaths(deaths),
        listenerKilled: await measureListenerDeaths(deaths),
        firstAnswerAfterReturn: await measureReturn(deaths),
        bombsUs: measureBombs(),
        crowds: await each(crowds, (peers) => measureCrowd("zeroplane", peers, true)),
        rawCrowds: await each(crowds, (peers) => measureCrowd("raw-zeromq", peers, false)),
      },
    };
  },
  table: ({ rows, ratios, figures }) =>
    [
      "what        of      curve  peer          per second  spread                  p50 us   p99 us",
      ...rows.map(line),
      `ours over raw: ${JSON.stringify(ratios)}`,
      ...Object.entries(figures).map(([name, figure]) => `${name}: ${JSON.stringify(figure)}`),
    ].join("\n"),
};

/** One after the other. */
async function each<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await run(item));
  return results;
}

function line({ what, of, curve, peer, perSecond, spread, p50Us, p99Us }: LinkRow): string {
  return [
    what.padEnd(10),
    String(of).padEnd(6),
    String(curve).padEnd(5),
    peer.padEnd(12),
    String(perSecond).padStart(10),
    spread.join("-").padEnd(22),
    String(p50Us || "").padStart(6),
    String(p99Us || "").padStart(7),
  ].join("  ");
}

function randomKeys(): BenchKeys {
  const pair = (): CurvePair => {
    const key = KeyPair.random();
    return { publicKey: key.publicKey, secretKey: key.reveal() };
  };
  return { server: pair(), client: pair() };
}
