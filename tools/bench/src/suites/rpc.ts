import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { type Measured, median, runLoad } from "../load.ts";
import { peers } from "../peers/index.ts";
import type { Client } from "../peers/peer.ts";

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
  readonly child: ChildProcess;
  readonly client: Client;
}

/** Small calls against every peer in the same run, interleaved, each server a process of its own. */
export async function runRpc(options: {
  readonly rounds: number;
  readonly ms: number;
}): Promise<RpcReport> {
  const running = await Promise.all(peers.map(({ name }) => start(name)));
  try {
    for (const { client } of running) {
      await runLoad(() => client.call(1, 2), { inFlight: 64, ms: WARM_MS });
    }
    const rows: Row[] = [];
    for (const inFlight of IN_FLIGHT) rows.push(...(await measure(running, inFlight, options)));
    return { suite: "rpc", ratios: ratiosOf(rows), rows };
  } finally {
    for (const { client, child } of running) {
      await client.close();
      child.disconnect();
    }
  }
}

async function start(name: string): Promise<Running> {
  const child = fork(new URL("../server.ts", import.meta.url), [name]);
  const [endpoint] = (await once(child, "message")) as [string];
  const peer = peers.find((each) => each.name === name);
  if (peer === undefined) throw new Error(`no peer ${name}`);
  return { name, child, client: await peer.connect(endpoint) };
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
