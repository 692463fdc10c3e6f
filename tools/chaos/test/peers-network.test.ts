import { setTimeout as sleep } from "node:timers/promises";
import { listen } from "@zeroplane/link";
import { openPeers, type Peers } from "@zeroplane/patterns";
import { expect, test } from "vitest";
import { FaultProxy } from "../src/fault-proxy.ts";

const TIMEOUT_MS = 60_000;
/** Three silent beats of the I/O threads and the one before them, and half of that again. */
const DOWN_BOUND_MS = 1_500;

/** A peer that others reach through a proxy only. */
async function behindProxy(
  name: string,
  sources: readonly string[],
): Promise<AsyncDisposable & { readonly peers: Peers; readonly proxy: FaultProxy }> {
  await using stack = new AsyncDisposableStack();
  const listener = stack.use(await listen("tcp://127.0.0.1:*"));
  const proxy = stack.use(await FaultProxy.open({ target: listener.endpoint }));
  const options = { name, listen: listener, advertise: proxy.endpoint, sources };
  const peers = stack.use(await openPeers(options));
  const all = stack.move();
  return { peers, proxy, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

const states = (peers: Peers): string[] => peers.all().map(({ id, state }) => `${id} ${state}`);

test.each(["toTarget", "toClient", "both"] as const)(
  "when nothing passes %s, both are down within the bound, and up again afterwards",
  async (way) => {
    await using a = await behindProxy("a", []);
    await using z = await behindProxy("z", [a.peers.endpoint]);
    const both = (): string[][] => [states(a.peers), states(z.peers)];
    await expect.poll(both).toEqual([["z up"], ["a up"]]);
    await sleep(1_500);
    const startMs = performance.now();
    for (const { proxy } of [a, z]) proxy.halfOpen(way);
    await expect.poll(both, { timeout: 5_000, interval: 5 }).toEqual([["z down"], ["a down"]]);
    expect(performance.now() - startMs).toBeLessThan(DOWN_BOUND_MS);
    await sleep(5_000);
    expect(both()).toEqual([["z down"], ["a down"]]);
    for (const { proxy } of [a, z]) await proxy.heal();
    await expect.poll(both, { timeout: 10_000 }).toEqual([["z up"], ["a up"]]);
  },
  TIMEOUT_MS,
);

test(
  "connections that are reset again and again make nobody be forgotten, or known twice",
  async () => {
    await using a = await behindProxy("a", []);
    await using z = await behindProxy("z", [a.peers.endpoint]);
    const both = (): string[][] => [states(a.peers), states(z.peers)];
    await expect.poll(both).toEqual([["z up"], ["a up"]]);
    for (let i = 0; i < 30; i++, await sleep(100)) for (const { proxy } of [a, z]) proxy.cut();
    await expect.poll(both, { timeout: 5_000 }).toEqual([["z up"], ["a up"]]);
    const lines = (): number[] => [a.peers.stats().lines, z.peers.stats().lines];
    await expect.poll(lines, { timeout: 5_000 }).toEqual([1, 1]);
  },
  TIMEOUT_MS,
);

test(
  "sixteen peers that know one are all on one line with each other within five seconds",
  async () => {
    await using stack = new AsyncDisposableStack();
    const seed = stack.use(await openPeers({ name: "peer 8" }));
    const others = Array.from({ length: 16 }, (_, i) => `peer ${i}`).filter(
      (name) => name !== "peer 8",
    );
    const join = (name: string): Promise<Peers> => openPeers({ name, sources: [seed.endpoint] });
    const all = [seed, ...(await Promise.all(others.map(join)))];
    for (const each of all) stack.use(each);
    const up = (peers: Peers): number => peers.all().filter(({ state }) => state === "up").length;
    const seen = (): number[][] => all.map((peers) => [up(peers), peers.stats().lines]);
    await expect.poll(seen, { timeout: 5_000 }).toEqual(all.map(() => [15, 15]));
  },
  TIMEOUT_MS,
);
