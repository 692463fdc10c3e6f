import { setTimeout as sleep } from "node:timers/promises";
import { dial, listen, type Session } from "@zeroplane/link";
import type { Bound } from "../link/peer.ts";
import { startPeer } from "../link/start-peer.ts";
import { percentile } from "../load.ts";
import type { PeerProcess } from "../peer-process.ts";

/** Times of one kind of event, milliseconds. */
export interface Times {
  readonly rounds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

const NAME = "zeroplane";
const BATCH = 10;
const READY_MS = 10_000;
const NOTICE_MS_MAX = 20_000;
const PAUSE_MS = 20;

/** Sums up `samples`. */
export function toTimes(samples: readonly number[]): Times {
  const at = (share: number): number => Math.round(percentile(samples, share) * 10) / 10;
  return { rounds: samples.length, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1) };
}

/** `kill -9` of dialling processes: until the listener's session is not `up`. */
export async function measureDialerDeaths(rounds: number): Promise<Times> {
  await using listener = await listen("tcp://127.0.0.1:*");
  const { endpoint } = listener;
  const samples: number[] = [];
  while (samples.length < rounds) {
    const seen = new Set(listener.sessions());
    await using stack = new AsyncDisposableStack();
    for (let i = 0; i < BATCH; i++) {
      const peer = stack.use(await startPeer(NAME, "dial", { endpoint }));
      const session = listener.sessions().find((each) => !seen.has(each));
      if (session === undefined) throw new Error("a peer is ready without a session");
      seen.add(session);
      samples.push(await timeOfDeath(peer, session));
    }
  }
  return toTimes(samples);
}

/** `kill -9` of listening processes: until the dialer's session is not `up`. */
export async function measureListenerDeaths(rounds: number): Promise<Times> {
  const samples: number[] = [];
  while (samples.length < rounds) {
    await using peer = await startPeer(NAME, "listen", {});
    await using session = dial((peer.ready as Bound).endpoint);
    await session.ready(READY_MS);
    samples.push(await timeOfDeath(peer, session));
  }
  return toTimes(samples);
}

async function timeOfDeath(peer: PeerProcess, session: Session): Promise<number> {
  await sleep(PAUSE_MS);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const timer = setTimeout(() => reject(new Error("a death was not noticed")), NOTICE_MS_MAX);
  const startedMs = performance.now();
  const stop = session.watch((state) => {
    if (state !== "up") resolve(performance.now() - startedMs);
  });
  peer.kill();
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    stop();
  }
}
