import { runLoad } from "../load.ts";
import { PeerProcess } from "../peer-process.ts";
import { peers } from "../peers/index.ts";
import type { Peer } from "../peers/peer.ts";
import {
  addCase,
  type Case,
  echoCase,
  interleave,
  type Row,
  type Running,
  ratiosOf,
  streamCase,
  toRows,
  without,
} from "./rpc-case.ts";
import { measurePendingCall } from "./rpc-memory.ts";
import { measureTraced } from "./rpc-traced.ts";
import type { Suite } from "./suite.ts";

/** A figure of each peer but ours. */
type ByPeer = Readonly<Record<string, number>>;

/** What `--json` prints last. */
export interface RpcReport {
  readonly suite: "rpc";
  /** Our small calls a second over theirs, by peer and by calls in flight. */
  readonly ratios: Readonly<Record<string, ByPeer>>;
  readonly rows: readonly Row[];
  readonly figures: {
    /** Our latency over theirs with one call in flight: below 1 is faster. */
    readonly p50At1: ByPeer;
    readonly bytesPerPendingCall: number;
    /** Calls a second with tracing over those without, 512 in flight. */
    readonly traced: ByPeer;
    /** Echoes and the items of a stream: our rate over theirs; only in the full run. */
    readonly rates: Readonly<Record<string, ByPeer>>;
  };
}

const IN_FLIGHT = [1, 64, 512];
const WARM_MS = 300;
const QUICK = { rounds: 5, ms: 400 };
const FULL = { rounds: 9, ms: 600 };
const BIG_ROUNDS = 5;
const ITEMS = 1_000_000;
const STREAM_ROUNDS = 3;

/** Calls, echoes and streams beside every peer that runs here, each server a process of its own. */
export const rpc: Suite<RpcReport> = {
  run: async (isQuick) => {
    const running: Running[] = [];
    try {
      for (const peer of peers.filter(isHere)) {
        const started = await start(peer).catch((error: unknown) => without(peer.name, error));
        if (started !== undefined) running.push(started);
      }
      return await measure(running, isQuick);
    } finally {
      for (const { client, server } of running) {
        await client.close();
        await server.end();
      }
    }
  },
  table: ({ rows, ratios, figures }) =>
    [
      "case       in flight  peer                per second  spread              p50 us   p99 us",
      ...rows.map(line),
      `ours over theirs: ${JSON.stringify(ratios)}`,
      ...Object.entries(figures).map(([name, figure]) => `${name}: ${JSON.stringify(figure)}`),
    ].join("\n"),
};

function isHere(peer: Peer): boolean {
  const why = peer.missing?.();
  if (why !== undefined) without(peer.name, why);
  return why === undefined;
}

async function start(peer: Peer): Promise<Running> {
  const { name } = peer;
  const server = await PeerProcess.fork(new URL("../server.ts", import.meta.url), [name]);
  const client = await peer.connect(String(server.ready));
  await runLoad(() => client.call(1, 2), { inFlight: 64, ms: WARM_MS });
  return { name, server, client };
}

async function measure(running: readonly Running[], isQuick: boolean): Promise<RpcReport> {
  const bytesPerPendingCall = await measurePendingCall(String(running[0]?.server.ready));
  const rows: Row[] = [];
  const ratios: Record<string, Record<string, number>> = {};
  let p50At1: ByPeer = {};
  const { rounds, ms } = isQuick ? QUICK : FULL;
  for (const inFlight of IN_FLIGHT) {
    const of = addCase(inFlight, rounds, ms);
    const runs = await interleave(running, of);
    rows.push(...toRows(of, runs));
    for (const [peer, ratio] of Object.entries(ratiosOf(runs, ({ perSecond }) => perSecond))) {
      ratios[peer] = { ...ratios[peer], [inFlight]: ratio };
    }
    if (inFlight === 1) p50At1 = ratiosOf(runs, ({ p50Us }) => p50Us);
  }
  const traced = await measureTraced(rounds, ms);
  const rates: Record<string, ByPeer> = {};
  for (const of of isQuick ? [] : bigCases()) {
    const runs = await interleave(running, of);
    rows.push(...toRows(of, runs));
    rates[of.name] = ratiosOf(runs, ({ perSecond }) => perSecond);
  }
  return { suite: "rpc", ratios, rows, figures: { p50At1, bytesPerPendingCall, traced, rates } };
}

function bigCases(): Case[] {
  const load = { rounds: BIG_ROUNDS, ms: FULL.ms };
  return [
    echoCase("echo 1 KB", 1_024, { inFlight: 64, ...load }),
    echoCase("echo 64 KB", 65_536, { inFlight: 64, ...load }),
    echoCase("echo 1 MB", 1_000_000, { inFlight: 16, ...load }),
    streamCase(ITEMS, STREAM_ROUNDS),
  ];
}

function line({ case: name, inFlight, peer, perSecond, spread, p50Us, p99Us }: Row): string {
  return [
    name.padEnd(10),
    String(inFlight).padStart(8),
    peer.padEnd(18),
    String(perSecond).padStart(11),
    spread.join("-").padEnd(18),
    String(p50Us || "").padStart(7),
    String(p99Us || "").padStart(7),
  ].join("  ");
}
