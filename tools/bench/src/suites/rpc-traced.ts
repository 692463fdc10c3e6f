import { median, runLoad } from "../load.ts";
import { PeerProcess } from "../peer-process.ts";
import type { Peer } from "../peers/peer.ts";
import { tracedPeers } from "../peers/traced.ts";
import { zeroplane } from "../peers/zeroplane.ts";

const IN_FLIGHT = 512;
const WARM_MS = 200;

/**
 * What tracing costs: small calls a second, 512 in flight, over those without tracing, median of
 * interleaved rounds.
 */
export async function measureTraced(rounds: number, ms: number): Promise<Record<string, number>> {
  const peers = [zeroplane, ...tracedPeers];
  const servers = new Map<Peer, PeerProcess>();
  const rates = new Map<Peer, number[]>(peers.map((peer) => [peer, []]));
  try {
    for (const peer of peers) {
      const url = new URL("../server.ts", import.meta.url);
      servers.set(peer, await PeerProcess.fork(url, [peer.name]));
    }
    for (let round = 0; round < rounds; round++) {
      for (const [peer, server] of servers) {
        rates.get(peer)?.push(await rate(peer, String(server.ready), ms));
      }
    }
  } finally {
    for (const server of servers.values()) await server.end();
  }
  const plain = median(rates.get(zeroplane) ?? []);
  const share = (peer: Peer): number => median(rates.get(peer) ?? []) / plain;
  return Object.fromEntries(tracedPeers.map((peer) => [peer.name, Number(share(peer).toFixed(2))]));
}

async function rate(peer: Peer, endpoint: string, ms: number): Promise<number> {
  const client = await peer.connect(endpoint);
  const call = (): Promise<number> => client.call(1, 2);
  await runLoad(call, { inFlight: IN_FLIGHT, ms: WARM_MS });
  const { perSecond } = await runLoad(call, { inFlight: IN_FLIGHT, ms });
  await client.close();
  return perSecond;
}
