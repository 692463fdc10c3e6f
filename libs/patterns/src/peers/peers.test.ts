import { createSocket } from "node:dgram";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type KeyPair, Keyring, listen } from "@zeroplane/link";
import { describe, expect, test } from "vitest";
import { BeaconSeal } from "./beacon-packet.ts";
import type { PeersOptions } from "./options.ts";
import { openPeers, type Peers } from "./peers.ts";

const states = (peers: Peers): string[] => peers.all().map(({ id, state }) => `${id} ${state}`);

describe("peers", () => {
  test("find all by the address of one, and show what each offers, least loaded first", async () => {
    await using seed = await openPeers({ name: "seed" });
    const join = (name: string, load: number): Promise<Peers> => {
      const offers = { prices: `tcp://127.0.0.1:${7_000 + load}` };
      return openPeers({ name, offers, load: () => load, sources: [seed.endpoint] });
    };
    await using a = await join("a", 9);
    await using z = await join("z", 2);
    const found = await a.ready("prices", 1);
    expect(found).toMatchObject([{ id: "z", name: "z", load: 2, state: "up" }]);
    expect((await seed.ready("prices", 2)).map(({ id, endpoint }) => [id, endpoint])).toEqual([
      ["z", "tcp://127.0.0.1:7002"],
      ["a", "tcp://127.0.0.1:7009"],
    ]);
    expect(Math.abs((found[0]?.since ?? 0) - Date.now())).toBeLessThan(2_000);
    await expect.poll(() => z.stats().lines, { timeout: 5_000 }).toBe(2);
  });

  test("that are not there are not waited for for ever", async () => {
    await using peers = await openPeers({ name: "alone" });
    const late = peers.ready("prices", 2, { timeoutMs: 50 });
    await expect(late).rejects.toMatchObject({ code: "ERR_TIMEOUT" });
    await expect(late).rejects.toThrow("alone: 0 of 2 peers offer prices after 50 ms");
    const signal = AbortSignal.abort(new Error("enough"));
    await expect(peers.ready("prices", 1, { signal })).rejects.toThrow("enough");
    const waiting = peers.ready("prices");
    await peers.close();
    await expect(waiting).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });

  test("hear at once of what is offered elsewhere, and a list of endpoints is never empty", async () => {
    await using server = await openPeers({ name: "s", beatMs: 5_000 });
    await using client = await openPeers({ name: "c", sources: [server.endpoint] });
    const endpoints = client.endpoints("prices")[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => {
      const startMs = performance.now();
      const { value } = await endpoints.next();
      expect(performance.now() - startMs).toBeLessThan(1_000);
      return value;
    };
    await expect.poll(() => states(client)).toEqual(["s up"]);
    // What is told at once is told on a line that is quiet otherwise.
    await sleep(300);
    server.offer("prices", "tcp://127.0.0.1:7001");
    expect(await next()).toEqual(["tcp://127.0.0.1:7001"]);
    server.offer("prices", "tcp://127.0.0.1:7002");
    expect(await next()).toEqual(["tcp://127.0.0.1:7002"]);
    server.withdraw("prices");
    await expect.poll(() => client.who("prices")).toEqual([]);
    server.offer("prices", "tcp://127.0.0.1:7003");
    expect(await next()).toEqual(["tcp://127.0.0.1:7003"]);
    const last = endpoints.next();
    await endpoints.return?.();
    expect(await last).toEqual({ done: true, value: undefined });
  });

  test("that come and go are told, and the end of it is told too", async () => {
    await using peers = await openPeers({ name: "a" });
    const told: string[] = [];
    const reading = (async () => {
      for await (const { kind, peer } of peers.events()) told.push(`${peer.id} ${kind}`);
    })();
    {
      await using b = await openPeers({ name: "b", sources: [peers.endpoint] });
      await expect.poll(() => told).toEqual(["b up"]);
      b.offer("x", "tcp://127.0.0.1:1");
      await expect.poll(() => told).toEqual(["b up", "b changed"]);
    }
    await expect.poll(() => told).toEqual(["b up", "b changed", "b left"]);
    await peers.close();
    await reading;
  });

  test("can be found by a name that is looked up", async () => {
    await using a = await openPeers({ name: "a" });
    const dns = a.endpoint.replace("127.0.0.1", "localhost");
    await using b = await openPeers({ name: "b", sources: [{ dns, everyMs: 100 }] });
    await expect.poll(() => states(b)).toEqual(["a up"]);
    await sleep(1_500);
    expect([a.stats().lines, b.stats().lines]).toEqual([1, 1]);
  });

  test("may share a listener with whatever else is offered there", async () => {
    await using listener = await listen("tcp://127.0.0.1:*");
    await using b = await openPeers({ name: "b", sources: [listener.endpoint] });
    for (let life = 0; life < 2; life++) {
      await using a = await openPeers({ name: "a", listen: listener });
      const second = openPeers({ name: "c", listen: listener });
      await expect(second).rejects.toThrow("peers are open on the listener");
      await expect.poll(() => [states(a), states(b)]).toEqual([["b up"], ["a up"]]);
      await a.close();
      await expect.poll(() => states(b)).toEqual([]);
    }
  });

  test("of another mesh are told of nobody", async () => {
    await using seed = await openPeers({ name: "seed", mesh: false });
    await using a = await openPeers({ name: "a", sources: [seed.endpoint] });
    await using b = await openPeers({ name: "b", sources: [seed.endpoint] });
    await expect.poll(() => states(seed)).toEqual(["a up", "b up"]);
    await sleep(1_000);
    expect([states(a), states(b)]).toEqual([["seed up"], ["seed up"]]);
  });

  test("whose load cannot be told have the one before, and it is counted", async () => {
    let load = 3;
    await using a = await openPeers({ name: "a", load: () => load, beatMs: 50 });
    await using b = await openPeers({ name: "b", sources: [a.endpoint] });
    await expect.poll(() => b.all()).toMatchObject([{ load: 3 }]);
    load = Number.NaN;
    await expect.poll(() => a.stats().refused["load"] ?? 0).toBeGreaterThan(1);
    expect(b.all()).toMatchObject([{ load: 3, state: "up" }]);
  });
});

test.each<[string, Partial<PeersOptions>, string]>([
  ["a name", { name: "" }, 'the name of a peer is ""; give 1 to 128 characters'],
  ["a beat", { beatMs: 1 }, "beatMs of peers is 1; give a number from 50 to 60000"],
  ["a beat", { beatMs: Number.NaN }, "beatMs of peers is NaN"],
  [
    "a source",
    { sources: ["tcp://nowhere"] },
    'a source is "tcp://nowhere", which cannot be dialled',
  ],
  [
    "a name to look up",
    { sources: [{ dns: "nowhere" }] },
    'the source "nowhere" has no name to look up',
  ],
  [
    "an offer",
    { offers: { x: "tcp://h:*" } },
    'the endpoint of x is "tcp://h:*", which cannot be dialled',
  ],
  [
    "a beacon without keys",
    { sources: [{ beacon: {} }] },
    "a beacon is signed with the key of its peer: give keys",
  ],
  [
    "a wildcard",
    { listen: "tcp://0.0.0.0:*", insecure: true },
    "say where others reach it with advertise",
  ],
])("%s that cannot be is refused with the way out", async (_what, options, text) => {
  const opening = openPeers({ name: "a", ...options });
  await expect(opening).rejects.toMatchObject({ code: "ERR_BAD_OPTION" });
  await expect(opening).rejects.toThrow(text);
});

describe("peers with keys", () => {
  /** Keyrings of a few processes that trust each other, and the key of somebody they do not know. */
  async function keyrings(...names: string[]): Promise<{
    readonly of: (name: string) => { readonly key: KeyPair; readonly keyring: Keyring };
    readonly [Symbol.asyncDispose]: () => Promise<void>;
  }> {
    const folder = await mkdtemp(join(tmpdir(), "zp-peers-"));
    const keyring = new Keyring(join(folder, "trusted"));
    for (const name of names) keyring.create(name);
    return {
      of: (name) => ({ key: keyring.pair(name), keyring }),
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
    };
  }

  const port = 20_000 + (process.pid % 20_000);
  const sources = [{ beacon: { port, everyMs: 100 } }];

  test("find each other by beacons, with no address at all", async () => {
    await using keys = await keyrings("a", "b", "c");
    await using a = await openPeers({ name: "a", keys: keys.of("a"), sources });
    await using b = await openPeers({ name: "b", keys: keys.of("b"), sources });
    await using c = await openPeers({ name: "c", keys: keys.of("c"), sources });
    for (const each of [a, b, c])
      await expect
        .poll(() => states(each).map((state) => state.slice(2)), { timeout: 5_000 })
        .toEqual(["up", "up"]);
    expect(a.all().map(({ key }) => key)).toEqual(
      ["b", "c"].map((name) => keys.of(name).key.publicKey),
    );
    await expect
      .poll(() => [a, b, c].map((each) => each.stats().lines), { timeout: 5_000 })
      .toEqual([2, 2, 2]);
    expect(a.stats().refused).toEqual({});
  });

  test("refuse and count beacons that are forged, unsigned, foreign, old or no beacons", async () => {
    await using keys = await keyrings("a", "b", "x");
    await using stranger = await keyrings("s");
    const other = [{ beacon: { port: port + 1, everyMs: 100 } }];
    await using a = await openPeers({ name: "a", keys: keys.of("a"), sources: other });
    const socket = createSocket("udp4");
    const send = (datagram: Uint8Array): Promise<void> =>
      new Promise((resolve) => socket.send(datagram, port + 1, "127.0.0.1", () => resolve()));
    const hint = { id: "x", epoch: 1, at: "tcp://127.0.0.1:9" };
    const sealed = (key: KeyPair, timeMs = Date.now()): Buffer => {
      const seal = new BeaconSeal(key);
      seal.trust([keys.of("a").key.publicKey]);
      return seal.seal(hint, timeMs)[0] ?? Buffer.alloc(0);
    };
    const honest = sealed(keys.of("x").key);
    const forged = sealed(stranger.of("s").key);
    honest.copy(forged, 4, 4, 44);
    const unsigned = honest.subarray(0, honest.length - 16);
    const old = sealed(keys.of("x").key, Date.now() - 60_000);
    for (const each of [forged, unsigned, sealed(stranger.of("s").key), old, Buffer.from("zpB1")])
      await send(each);
    const counted = {
      "beacon forged": 2,
      "beacon foreign": 1,
      "beacon stale": 1,
      "beacon malformed": 1,
    };
    await expect.poll(() => a.stats().refused).toEqual(counted);
    expect(a.stats().lines).toBe(0);
    await send(honest);
    await expect.poll(() => a.stats().lines).toBe(1);
    await send(honest);
    await expect.poll(() => a.stats().refused).toEqual({ ...counted, "beacon replayed": 1 });
    socket.close();
  });

  test("let nobody in, and go to nobody, whom they do not trust", async () => {
    await using keys = await keyrings("a", "b");
    await using others = await keyrings("s");
    await using a = await openPeers({ name: "a", keys: keys.of("a") });
    const at = { at: a.endpoint, key: keys.of("a").key.publicKey };
    await using s = await openPeers({ name: "s", keys: others.of("s"), sources: [at] });
    await using b = await openPeers({ name: "b", keys: keys.of("b"), sources: [at] });
    await expect.poll(() => states(a), { timeout: 5_000 }).toEqual(["b up"]);
    await sleep(500);
    expect([states(a), states(b), states(s)]).toEqual([["b up"], ["a up"], []]);
    const bare = openPeers({ name: "x", keys: keys.of("a"), sources: [a.endpoint] });
    await expect(bare).rejects.toThrow("has no key; give the public key of whoever is there");
  });
});
