import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  openPeers,
  type Peer,
  type PeerState,
  type Peers,
  type PeersOptions,
} from "@zeroplane/patterns";
import { expect, test } from "vitest";

const TIMEOUT_MS = 60_000;
/** Three silent beats of the I/O threads, a beat for what libzmq rounds up, and a slow machine. */
const LINE_BOUND_MS = 1_000 + 500;
/** Three beats without a word, and a slow machine. */
const STALLED_BOUND_MS = 1_500 + 500;

interface PeerProcess extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly endpoint: string;
}

/** A peer in a process of its own. */
async function start(options: PeersOptions): Promise<PeerProcess> {
  const script = fileURLToPath(new URL("./peer-process.ts", import.meta.url));
  const child = fork(script, [JSON.stringify(options)], {
    execArgv: ["-C", "@zeroplane/source"],
  });
  const [endpoint] = (await once(child, "message")) as [string];
  const dispose = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  };
  return { child, endpoint, [Symbol.asyncDispose]: dispose };
}

const find = (peers: Peers, id: string): Peer | undefined =>
  peers.all().find((peer) => peer.id === id);

/** Waits for a state. @returns how long that took, milliseconds */
async function becomes(
  peers: Peers,
  id: string,
  state: PeerState,
  timeoutMs = 10_000,
): Promise<number> {
  const startMs = performance.now();
  await expect.poll(() => find(peers, id)?.state, { timeout: timeoutMs, interval: 5 }).toBe(state);
  return performance.now() - startMs;
}

test(
  "three processes find each other by one address, on one line for each pair",
  async () => {
    await using seed = await openPeers({ name: "m" });
    const sources = [seed.endpoint];
    await using _a = await start({
      name: "a",
      sources,
      offers: { prices: "tcp://127.0.0.1:7001" },
    });
    await using _z = await start({
      name: "z",
      sources,
      offers: { prices: "tcp://127.0.0.1:7002" },
    });
    await using late = await openPeers({ name: "p", sources });
    const found = await late.ready("prices", 2);
    expect(found.map(({ name, endpoint }) => `${name} ${endpoint}`).sort()).toEqual([
      "a tcp://127.0.0.1:7001",
      "z tcp://127.0.0.1:7002",
    ]);
    await sleep(2_000);
    expect(seed.all().map(({ id, state }) => [id, state])).toEqual([
      ["a", "up"],
      ["p", "up"],
      ["z", "up"],
    ]);
    expect([seed.stats().lines, late.stats().lines]).toEqual([3, 3]);
    expect(find(late, "a")?.rttMs).toBeGreaterThan(0);
  },
  TIMEOUT_MS,
);

test(
  "one that is killed is down at once, forgotten later, and up again when it is back",
  async () => {
    await using peers = await openPeers({ name: "m", forgetMs: 3_000 });
    const sources = [peers.endpoint];
    {
      await using killed = await start({ name: "k", sources });
      await becomes(peers, "k", "up");
      killed.child.kill("SIGKILL");
      expect(await becomes(peers, "k", "down")).toBeLessThan(500);
    }
    const { epoch } = find(peers, "k") ?? { epoch: 0 };
    {
      await using again = await start({ name: "k", sources });
      await becomes(peers, "k", "up");
      expect(find(peers, "k")?.epoch).toBeGreaterThan(epoch);
      expect(peers.all().length).toBe(1);
      again.child.kill("SIGKILL");
      await becomes(peers, "k", "down");
    }
    await expect.poll(() => peers.all(), { timeout: 5_000 }).toEqual([]);
  },
  TIMEOUT_MS,
);

test(
  "one that is stopped is down within the bound, and up when it goes on",
  async () => {
    await using peers = await openPeers({ name: "m" });
    // The lower id dials: both ways round.
    await using low = await start({ name: "a", sources: [peers.endpoint] });
    await using high = await start({ name: "z", sources: [peers.endpoint] });
    for (const [id, { child }] of [
      ["a", low],
      ["z", high],
    ] as const) {
      await becomes(peers, id, "up");
      await sleep(1_500);
      child.kill("SIGSTOP");
      expect(await becomes(peers, id, "down"), id).toBeLessThan(LINE_BOUND_MS);
      child.kill("SIGCONT");
      await becomes(peers, id, "up");
    }
  },
  TIMEOUT_MS,
);

test(
  "one that is stopped right after it has spoken is down within the bound as well",
  async () => {
    await using peers = await openPeers({ name: "m", loadStep: 0 });
    // It has dialled: libzmq forgets how long its silence may last at each message.
    await using low = await start({ name: "a", sources: [peers.endpoint] });
    await becomes(peers, "a", "up");
    for (let round = 0; round < 4; round++) {
      await sleep(1_000);
      for await (const { kind } of peers.events()) if (kind === "changed") break;
      low.child.kill("SIGSTOP");
      expect(await becomes(peers, "a", "down"), `round ${round}`).toBeLessThan(LINE_BOUND_MS);
      low.child.kill("SIGCONT");
      await becomes(peers, "a", "up");
    }
  },
  TIMEOUT_MS,
);

test(
  "one whose loop is blocked is stalled, not down, and up again after it",
  async () => {
    await using peers = await openPeers({ name: "m" });
    const sources = [peers.endpoint];
    await using low = await start({ name: "a", sources });
    await using high = await start({ name: "z", sources });
    for (const [id, { child }] of [
      ["a", low],
      ["z", high],
    ] as const) {
      await becomes(peers, id, "up");
      await sleep(1_500);
      const kinds: string[] = [];
      const abort = new AbortController();
      const events = peers.events({ signal: abort.signal });
      const reading = (async () => {
        for await (const { kind, peer } of events)
          if (peer.id === id && kind !== "changed") kinds.push(kind);
      })();
      child.send({ blockMs: 6_000 });
      expect(await becomes(peers, id, "stalled"), id).toBeLessThan(STALLED_BOUND_MS);
      await becomes(peers, id, "up");
      abort.abort();
      await reading;
      expect(kinds).toEqual(["up", "stalled", "up"]);
    }
  },
  TIMEOUT_MS,
);

test(
  "one that leaves says so, and is forgotten at once by all",
  async () => {
    await using peers = await openPeers({ name: "m" });
    await using leaving = await start({ name: "l", sources: [peers.endpoint] });
    await using other = await openPeers({ name: "o", sources: [peers.endpoint] });
    await becomes(peers, "l", "up");
    await becomes(other, "l", "up");
    const events = peers.events();
    const gone = once(leaving.child, "exit");
    leaving.child.send({ leave: true });
    await expect.poll(() => [find(peers, "l"), find(other, "l")]).toEqual([undefined, undefined]);
    await gone;
    await sleep(2_000);
    expect(peers.all().map(({ id }) => id)).toEqual(["o"]);
    const kinds: string[] = [];
    for await (const event of events) {
      if (event.peer.id === "l" && event.kind !== "changed")
        kinds.push(event.kind === "left" ? event.why : event.kind);
      if (event.kind === "left") break;
    }
    expect(kinds).toEqual(["up", "goodbye"]);
  },
  TIMEOUT_MS,
);
