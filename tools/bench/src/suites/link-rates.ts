import { setTimeout as sleep } from "node:timers/promises";
import type { BenchKeys } from "../link/contestant.ts";
import type { Bound, Sample } from "../link/peer.ts";
import { startPeer } from "../link/start-peer.ts";
import { type Measured, median } from "../load.ts";
import type { PeerProcess } from "../peer-process.ts";

/** One measurement of one contestant, median of interleaved rounds. */
export interface LinkRow {
  readonly what: "frames" | "roundtrips";
  /** Bytes of a frame, or calls in flight. */
  readonly of: number;
  readonly curve: boolean;
  readonly peer: string;
  readonly perSecond: number;
  /** Lowest and highest rate of the rounds. */
  readonly spread: readonly [number, number];
  readonly p50Us: number;
  readonly p99Us: number;
}

/** Ours over raw, median of the rounds' own ratios. */
export interface LinkRatios {
  readonly frames: Record<string, number>;
  readonly roundtrips: Record<string, number>;
  /** Latency with one call in flight: below 1 is faster. */
  readonly p50at1: number;
}

/** How long to measure. */
export interface Rounds {
  readonly rounds: number;
  readonly ms: number;
}

const NAMES = ["zeroplane", "raw-zeromq"] as const;
const FRAME_BYTES = [16, 256, 4_096, 65_536];
const IN_FLIGHT = [1, 64, 512];
const WARM_MS = 150;
const QUIET_MS = 25;

interface Pair {
  readonly name: string;
  readonly listening: PeerProcess;
  readonly dialled: PeerProcess;
}

type Measure = (pair: Pair) => Promise<Measured>;

/** Frames and round trips a second of both contestants, all four processes apart. */
export async function measureRates(
  keys: BenchKeys | undefined,
  rounds: Rounds,
): Promise<{ readonly rows: LinkRow[]; readonly ratios: LinkRatios }> {
  await using stack = new AsyncDisposableStack();
  const pairs: Pair[] = [];
  for (const name of NAMES) pairs.push(await startPair(stack, name, keys));
  const rows: LinkRow[] = [];
  const ratios: LinkRatios = { frames: {}, roundtrips: {}, p50at1: 0 };
  for (const of of FRAME_BYTES) {
    const runs = await interleave(pairs, rounds, (pair) => frames(pair, of, rounds.ms));
    rows.push(...toRows({ what: "frames", of, curve: keys !== undefined }, runs));
    ratios.frames[of] = ratioOf(runs, ({ perSecond }) => perSecond);
  }
  let p50at1 = 0;
  for (const of of IN_FLIGHT) {
    const runs = await interleave(pairs, rounds, ({ dialled }) =>
      dialled.ask<Measured>({ inFlight: of, ms: rounds.ms }),
    );
    rows.push(...toRows({ what: "roundtrips", of, curve: keys !== undefined }, runs));
    ratios.roundtrips[of] = ratioOf(runs, ({ perSecond }) => perSecond);
    if (of === 1) p50at1 = ratioOf(runs, ({ p50Us }) => p50Us);
  }
  return { rows, ratios: { ...ratios, p50at1 } };
}

async function startPair(
  stack: AsyncDisposableStack,
  name: string,
  keys: BenchKeys | undefined,
): Promise<Pair> {
  const withKeys = keys === undefined ? {} : { keys };
  const listening = stack.use(await startPeer(name, "listen", withKeys));
  const { endpoint } = listening.ready as Bound;
  const dialled = stack.use(await startPeer(name, "dial", { endpoint, ...withKeys }));
  return { name, listening, dialled };
}

/** Each round measures every pair once, in turn from the front and from the back. */
async function interleave(
  pairs: readonly Pair[],
  { rounds }: Rounds,
  measure: Measure,
): Promise<Map<string, Measured[]>> {
  const runs = new Map(pairs.map(({ name }) => [name, [] as Measured[]]));
  for (const pair of pairs) await measure(pair);
  for (let round = 0; round < rounds; round++) {
    for (const pair of round % 2 === 0 ? pairs : pairs.toReversed()) {
      runs.get(pair.name)?.push(await measure(pair));
    }
  }
  return runs;
}

/** What arrives a second, by the receiver's own clock, while the sender is at full speed. */
async function frames(pair: Pair, sizeBytes: number, ms: number): Promise<Measured> {
  const { listening, dialled } = pair;
  const sent = dialled.ask({ blast: sizeBytes, ms: ms + 2 * WARM_MS });
  await sleep(WARM_MS);
  const from = await listening.ask<Sample>({});
  await sleep(ms);
  const to = await listening.ask<Sample>({});
  await sent;
  await quiet(listening);
  const perSecond = Math.round(((to.count - from.count) * 1_000) / (to.nowMs - from.nowMs));
  return { perSecond, p50Us: 0, p99Us: 0 };
}

/** Waits until nothing more arrives. */
async function quiet(listening: PeerProcess): Promise<void> {
  for (let before = -1; ; ) {
    const { count } = await listening.ask<Sample>({});
    if (count === before) return;
    before = count;
    await sleep(QUIET_MS);
  }
}

function toRows(
  head: Pick<LinkRow, "what" | "of" | "curve">,
  runs: ReadonlyMap<string, readonly Measured[]>,
): LinkRow[] {
  return [...runs].map(([peer, measured]) => {
    const rates = measured.map(({ perSecond }) => perSecond);
    return {
      ...head,
      peer,
      perSecond: median(rates),
      spread: [Math.min(...rates), Math.max(...rates)],
      p50Us: median(measured.map(({ p50Us }) => p50Us)),
      p99Us: median(measured.map(({ p99Us }) => p99Us)),
    };
  });
}

function ratioOf(
  runs: ReadonlyMap<string, readonly Measured[]>,
  value: (measured: Measured) => number,
): number {
  const [ours, raw] = NAMES.map((name) => (runs.get(name) ?? []).map(value));
  const ratios = (ours ?? []).map((each, round) => each / (raw?.[round] ?? Number.NaN));
  return Number(median(ratios).toFixed(2));
}
