import { setTimeout as sleep } from "node:timers/promises";
import type { Bound, Sample } from "../link/peer.ts";
import { startPeer } from "../link/start-peer.ts";
import type { PeerProcess } from "../peer-process.ts";

/** What many idle peers cost the one they are connected to. */
export interface CrowdFigures {
  readonly peers: number;
  /** How many were there when all were, or after 30 s. */
  readonly connected: number;
  /** The rest is only known when all came. */
  readonly connectAllMs?: number;
  readonly rssKiBPerPeer?: number;
  /** CPU of the listener while nothing happens, percent of one core. */
  readonly idleCpuPercent?: number;
  /** Until the listener knows that half of them, killed at once, are gone. */
  readonly noticedHalfMs?: number;
  /** Delay of the listener's event loop meanwhile. */
  readonly lagP99Ms?: number;
}

const SETTLE_MS = 1_500;
const IDLE_MS = 2_000;
const LOOK_MS = 5;
const NOTICE_MS_MAX = 30_000;
const CONNECT_MS_MAX = 30_000;

/** Connects `peers` idle peers from two processes, and kills one of those when `kills` is true. */
export async function measureCrowd(
  name: string,
  peers: number,
  kills: boolean,
): Promise<CrowdFigures> {
  await using listening = await startPeer(name, "listen", {});
  const { endpoint } = listening.ready as Bound;
  await using first = await startPeer(name, "dial", { endpoint });
  await using second = await startPeer(name, "dial", { endpoint });
  const before = await settled(listening);
  const startedMs = performance.now();
  if (!(await connects([first, second], Math.round(peers / 2)))) {
    return { peers, connected: (await listening.ask<Sample>({})).peers };
  }
  const connectAllMs = Math.round(performance.now() - startedMs);
  const after = await settled(listening);
  await sleep(IDLE_MS);
  const idle = await listening.ask<Sample>({});
  const figures = {
    peers,
    connected: peers,
    connectAllMs,
    rssKiBPerPeer: round1((after.rssBytes - before.rssBytes) / 1_024 / peers),
    idleCpuPercent: round1((100 * (idle.cpuMs - after.cpuMs)) / (idle.nowMs - after.nowMs)),
  };
  return kills ? { ...figures, ...(await notice(listening, second, idle.peers / 2)) } : figures;
}

/** @returns false when that takes more than 30 s */
async function connects(dialled: readonly PeerProcess[], crowd: number): Promise<boolean> {
  const all = Promise.all(dialled.map((each) => each.ask({ crowd }))).then(() => true);
  // Those that are killed after the deadline never answer.
  all.catch(() => undefined);
  return Promise.race([all, sleep(CONNECT_MS_MAX, false)]);
}

async function settled(listening: PeerProcess): Promise<Sample> {
  await sleep(SETTLE_MS);
  return listening.ask<Sample>({ collect: true });
}

async function notice(listening: PeerProcess, victim: PeerProcess, left: number) {
  await listening.ask<Sample>({});
  const startedMs = performance.now();
  victim.kill();
  let lagP99Ms = 0;
  for (;;) {
    const sample = await listening.ask<Sample>({});
    lagP99Ms = Math.max(lagP99Ms, sample.lagP99Ms);
    const ms = performance.now() - startedMs;
    if (sample.peers <= left) return { noticedHalfMs: Math.round(ms), lagP99Ms: round1(lagP99Ms) };
    if (ms > NOTICE_MS_MAX) throw new Error(`${sample.peers} peers are still there`);
    await sleep(LOOK_MS);
  }
}

const round1 = (value: number): number => Math.round(value * 10) / 10;
