import { openPipe } from "@zeroplane/patterns";
import { Push } from "zeromq";
import { median } from "../load.ts";
import { PeerProcess } from "../peer-process.ts";
import { BODY } from "../streams/body.ts";
import type { Wait } from "../streams/followers-process.ts";

/** What of pipes was measured. */
export interface PipeReport {
  /** Messages a second from push to the collector's handler, in another process. */
  readonly perSecond: { readonly zeroplane: number; readonly raw: number };
  /** What one push costs its caller, microseconds: median and 99th of a hundred, of a turn's mean. */
  readonly pushUs: { readonly p50: number; readonly p99: number };
  readonly ratios: { readonly "raw zeromq PUSH/PULL": number };
}

const SCRIPT = new URL("../streams/pipe-process.ts", import.meta.url);
const QUICK = { rounds: 3, count: 100_000 };
const FULL = { rounds: 7, count: 400_000 };
/** Pushed in one turn of the event loop. */
const TURN = 200;
const CHUNK = 20_000;
const WAIT_MS = 60_000;

/** Telemetry beside one send for each message. */
export async function measurePipe(isQuick: boolean): Promise<PipeReport> {
  const { rounds, count } = isQuick ? QUICK : FULL;
  await using ours = await PeerProcess.fork(SCRIPT, ["zeroplane"]);
  await using theirs = await PeerProcess.fork(SCRIPT, ["raw"]);
  await using pipe = openPipe(String(ours.ready));
  const raw = new Push({ sendHighWaterMark: 0 });
  raw.connect(String(theirs.ready));
  const turns: number[] = [];
  let sent = 0;
  const runs = {
    zeroplane: async () => {
      for (let at = 0; at < count; at += CHUNK) {
        for (let turn = 0; turn < CHUNK; turn += TURN) {
          const startMs = performance.now();
          for (let each = 0; each < TURN; each++) pipe.push("span", BODY);
          turns.push(((performance.now() - startMs) * 1_000) / TURN);
          await new Promise((resolve) => setImmediate(resolve));
        }
        sent += CHUNK;
        await reached(ours, sent);
      }
    },
    raw: async () => {
      for (let left = count; left > 0; left--) await raw.send(BODY);
      await reached(theirs, (rates.raw.length + 1) * count);
    },
  };
  const rates = { zeroplane: [] as number[], raw: [] as number[] };
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 === 0
      ? (["zeroplane", "raw"] as const)
      : (["raw", "zeroplane"] as const)) {
      const startMs = performance.now();
      await runs[name]();
      rates[name].push(Math.round(count / ((performance.now() - startMs) / 1_000)));
    }
  }
  raw.close();
  turns.sort((a, b) => a - b);
  const at = (share: number): number =>
    Number((turns[Math.floor(turns.length * share)] ?? 0).toFixed(2));
  const ratio = median(
    rates.zeroplane.map((rate, round) => rate / (rates.raw[round] ?? Number.NaN)),
  );
  return {
    perSecond: { zeroplane: median(rates.zeroplane), raw: median(rates.raw) },
    pushUs: { p50: at(0.5), p99: at(0.99) },
    ratios: { "raw zeromq PUSH/PULL": Number(ratio.toFixed(2)) },
  };
}

async function reached(peer: PeerProcess, atLeast: number): Promise<void> {
  const wait: Wait = { atLeast, ms: WAIT_MS };
  const count = await peer.ask<number>(wait);
  if (count < atLeast) throw new Error(`${count} of ${atLeast} messages have come`);
}

/** The report for people. */
export const pipeLines = ({ perSecond, pushUs, ratios }: PipeReport): string[] => [
  `pipe: ${perSecond.zeroplane} messages a second, raw PUSH/PULL ${perSecond.raw}`,
  `a push costs its caller ${pushUs.p50} us (p50), ${pushUs.p99} us (p99)`,
  `ours over theirs: ${JSON.stringify(ratios)}`,
];
