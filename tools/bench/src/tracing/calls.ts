import { median, runLoad } from "../load.ts";
import { PeerProcess } from "../peer-process.ts";
import type { Peer } from "../peers/peer.ts";
import { tracedPeer, unwatchedPeer } from "../peers/traced.ts";
import { zeroplane } from "../peers/zeroplane.ts";

const IN_FLIGHT = 512;
const WARM_MS = 200;

/** What it costs to trace every call on both sides. */
export interface CallCost {
  /** Calls a second, 512 in flight. */
  readonly off: number;
  readonly on: number;
  /** CPU that a call's client span costs its process, microseconds: all of it, but for the socket. */
  readonly cpuUsPerSpan: number;
  /** CPU of a whole traced call in the process of its caller, microseconds. */
  readonly cpuUs: number;
  /** Of that, to know for how long the caller was blocked (`zp.await_ns`). */
  readonly awaitUs: number;
}

interface Turn {
  readonly perSecond: number;
  readonly cpuUs: number;
}

/** Calls without tracing, with it, and with it but for `zp.await_ns`, in turns; servers in processes of their own. */
export async function callCost(rounds: number, ms: number): Promise<CallCost> {
  const peers = [zeroplane, tracedPeer, unwatchedPeer];
  const servers: { readonly peer: Peer; readonly server: PeerProcess }[] = [];
  const turns = new Map<Peer, Turn[]>(peers.map((peer) => [peer, []]));
  try {
    for (const peer of peers) {
      const url = new URL("../server.ts", import.meta.url);
      servers.push({ peer, server: await PeerProcess.fork(url, [peer.name]) });
    }
    for (let round = 0; round < rounds; round++)
      for (const { peer, server } of servers)
        turns.get(peer)?.push(await turn(peer, String(server.ready), ms));
  } finally {
    for (const { server } of servers) await server.end();
  }
  const of = (peer: Peer, what: keyof Turn): number =>
    median((turns.get(peer) ?? []).map((each) => each[what]));
  return {
    off: of(zeroplane, "perSecond"),
    on: of(tracedPeer, "perSecond"),
    cpuUs: of(tracedPeer, "cpuUs"),
    cpuUsPerSpan: of(tracedPeer, "cpuUs") - of(zeroplane, "cpuUs"),
    awaitUs: of(tracedPeer, "cpuUs") - of(unwatchedPeer, "cpuUs"),
  };
}

async function turn(peer: Peer, endpoint: string, ms: number): Promise<Turn> {
  const client = await peer.connect(endpoint);
  let calls = 0;
  const call = (): Promise<number> => {
    calls++;
    return client.call(1, 2);
  };
  await runLoad(call, { inFlight: IN_FLIGHT, ms: WARM_MS });
  calls = 0;
  const before = process.cpuUsage();
  const { perSecond } = await runLoad(call, { inFlight: IN_FLIGHT, ms });
  const { user, system } = process.cpuUsage(before);
  await client.close();
  return { perSecond, cpuUs: (user + system) / calls };
}
