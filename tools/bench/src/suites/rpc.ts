import { type Measured, median, runLoad } from "../load.ts";
import { PeerProcess } from "../peer-process.ts";
import { peers } from "../peers/index.ts";
import type { Client } from "../peers/peer.ts";
import type { Suite } from "./suite.ts";

/** One measurement: a peer at a number of calls in flight, median of interleaved rounds. */
export interface Row extends Measured {
  readonly peer: string;
  readonly inFlight: number;
  /** Lowest and highest calls a second of the rounds. */
  readonly spread: readonly [number, number];
}

/** What `--json` prints last. A ratio is our calls a second over theirs. */
export interface RpcReport {
  readonly suite: "rpc";
  readonly ratios: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly rows: readonly Row[];
}

const IN_FLIGHT = [1, 64, 512];
const WARM_MS = 500;

interface Running {
  readonly name: string;
  readonly server: PeerProcess;
  readonly client: Client;
}

const QUICK = { rounds: 3, ms: 700 };
const FULL = { rounds: 7, ms: 1_500 };

/** Small calls against every peer, each server a process of its own. */
export const rpc: Suite<RpcReport> = {
  run: async (isQuick) => {
    const running = await Promise.all(peers.map(({ name }) => start(name)));
    try {
      for (const { client } of running) {
        await runLoad(() => client.call(1, 2), { inFlight: 64, ms: WARM_MS });
      }
      const rows: Row[] = [];
      for (const inFlight of IN_FLIGHT) {
        rows.push(...(await measure(running, inFlight, isQuick ? QUICK : FULL)));
      }
      return { suite: "rpc", ratios: ratiosOf(rows), rows };
    } finally {
      for (const { client, server } of running) {
        await client.close();
        await server[Symbol.asyncDispose]();
      }
    }
  },
  table: ({ rows }) =>
    [
      "in flight  peer          calls/s   spread              p50 us   p99 us",
      ...rows.map(line),
    ].join("\n"),
};

function line({ inFlight, peer, perSecond, spread, p50Us, p99Us }: Row): string {
  return [
    String(inFlight).padStart(9),
    peer.padEnd(12),
    String(perSecond).padStart(8),
    spread.join("-").padEnd(18),
    String(p50Us).padStart(7),
    String(p99Us).padStart(7),
  ].join("  ");
}

async function start(name: string): Promise<Running> {
  const server = await PeerProcess.fork(new URL("../server.ts", import.meta.url), [name]);
  const peer = peers.find((each) => each.name === name);
  if (peer === undefined) throw new Error(`no peer ${name}`);
  return { name, server, client: await peer.connect(String(server.ready)) };
}

async function measure(
  running: readonly Running[],
  inFlight: number,
  { rounds, ms }: { readonly rounds: number; readonly ms: number },
): Promise<Row[]> {
  const results = new Map(running.map(({ name }) => [name, [] as Measured[]]));
  for (let round = 0; round < rounds; round++) {
    for (const { name, client } of round % 2 === 0 ? running : running.toReversed()) {
      results.get(name)?.push(await runLoad(() => client.call(1, 2), { inFlight, ms }));
    }
  }
  return [...results].map(([peer, measured]) => toRow(peer, inFlight, measured));
}

function toRow(peer: string, inFlight: number, measured: readonly Measured[]): Row {
  const rates = measured.map(({ perSecond }) => perSecond);
  return {
    peer,
    inFlight,
    perSecond: median(rates),
    p50Us: median(measured.map(({ p50Us }) => p50Us)),
    p99Us: median(measured.map(({ p99Us }) => p99Us)),
    spread: [Math.min(...rates), Math.max(...rates)],
  };
}

function ratiosOf(rows: readonly Row[]): RpcReport["ratios"] {
  const [ours] = peers;
  const ratios: Record<string, Record<string, number>> = {};
  for (const { name } of peers.slice(1)) {
    ratios[name] = Object.fromEntries(
      IN_FLIGHT.map((inFlight) => {
        const rate = (peer: string | undefined): number =>
          rows.find((row) => row.peer === peer && row.inFlight === inFlight)?.perSecond ?? 0;
        return [String(inFlight), Number((rate(ours?.name) / rate(name)).toFixed(2))];
      }),
    );
  }
  return ratios;
}
