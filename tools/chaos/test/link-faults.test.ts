import { type ChildProcess, fork } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { dial, KeyPair, type Listener, listen, type Session } from "@zeroplane/link";
import { describe, expect, test } from "vitest";
import { FaultProxy } from "../src/fault-proxy.ts";
import { Conversation, Reader, Talker, VERB } from "./numbered.ts";

const TIMEOUT_MS = 75_000;
const PACE = { everyMs: 5, sizeBytes: 200 };

interface Stage extends AsyncDisposable {
  readonly listener: Listener;
  readonly proxy: FaultProxy;
  readonly session: Session;
  readonly talk: Conversation;
}

interface Peer extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly reader: Reader;
  /** The listener's side of its session. */
  readonly session: Session;
  readonly states: string[];
}

const server = KeyPair.random();
const friend = KeyPair.random();

/** A listener, a proxy before it and a dialer through the proxy, talking both ways. */
async function stageOf(options: { pace?: typeof PACE; secure?: boolean; seed?: number } = {}) {
  await using stack = new AsyncDisposableStack();
  const { secure = false, seed = 1 } = options;
  const [ours, theirs] = secure
    ? [
        { keys: { key: server, trust: (key: string) => key === friend.publicKey } },
        { keys: { key: friend, serverKey: server.publicKey } },
      ]
    : [{}, {}];
  const listener = stack.use(await listen("tcp://127.0.0.1:*", ours));
  const proxy = stack.use(await FaultProxy.open({ target: listener.endpoint, seed }));
  const session = stack.use(dial(proxy.endpoint, theirs));
  const talk = stack.use(new Conversation(listener, session, options.pace ?? PACE));
  await session.ready(5_000);
  await expect.poll(() => talk.acceptors.length).toBe(1);
  const all = stack.move();
  const dispose = (): Promise<void> => all.disposeAsync();
  return { listener, proxy, session, talk, [Symbol.asyncDispose]: dispose } satisfies Stage;
}

const statesOf = (talker: Talker | undefined): string[] => talker?.states ?? [];

describe("nothing is lost, doubled or reordered", () => {
  test("when the connection is reset every 100 ms", { timeout: TIMEOUT_MS }, async () => {
    await using stage = await stageOf();
    const { proxy, session, talk } = stage;
    for (let i = 0; i < 30; i++) {
      await sleep(100);
      proxy.cut();
    }
    await talk.settle();
    expect(talk.resets).toEqual([0, 0]);
    expect(proxy.stats().cut).toBeGreaterThan(15);
    expect(session.state).toBe("up");
  });

  for (const way of ["both", "toTarget", "toClient"] as const) {
    test(`when bytes vanish (${way}) and come again`, { timeout: TIMEOUT_MS }, async () => {
      await using stage = await stageOf();
      const { proxy, session, talk } = stage;
      await sleep(200);
      proxy.halfOpen(way);
      const isAway = (talker: Talker | undefined): boolean => statesOf(talker).includes("down");
      // One that still hears notices by what the other does, some 15 s later
      await expect.poll(() => isAway(talk.dialer), { timeout: 30_000 }).toBe(true);
      await expect.poll(() => isAway(talk.acceptors[0]), { timeout: 30_000 }).toBe(true);
      expect(proxy.stats().swallowed).toBeGreaterThan(0);
      await proxy.heal();
      await session.ready(10_000);
      await talk.settle();
      expect(talk.resets).toEqual([0, 0]);
    });
  }

  test("on a slow line, which is not taken for a dead one", { timeout: TIMEOUT_MS }, async () => {
    await using stage = await stageOf({ pace: { everyMs: 20, sizeBytes: 1_500 } });
    const { proxy, talk } = stage;
    proxy.set({ delayMs: 50, jitterMs: 40, bytesPerSecond: 125_000 });
    await sleep(6_000);
    await talk.settle();
    expect(talk.resets).toEqual([0, 0]);
    expect(statesOf(talk.dialer)).toEqual(["up"]);
    // The acceptor was up before its first record came.
    expect(statesOf(talk.acceptors[0])).toEqual([]);
    expect(proxy.stats().delayed).toBeGreaterThan(100);
  });

  test("when bits flip, with keys", { timeout: TIMEOUT_MS }, async () => {
    await using stage = await stageOf({ secure: true });
    const { proxy, session, talk } = stage;
    for (const corrupts of ["toTarget", "toClient", "toTarget", "toClient"] as const) {
      const before = proxy.stats().corrupted;
      proxy.set({ corruption: 0.2, corrupts });
      await expect.poll(() => proxy.stats().corrupted).toBeGreaterThan(before);
      proxy.set({ corruption: 0 });
      await expect.poll(() => session.state, { timeout: 20_000 }).toBe("up");
      await sleep(100);
    }
    await session.ready(10_000);
    await talk.settle();
    expect(talk.resets).toEqual([0, 0]);
    expect(proxy.stats().connections).toBeGreaterThan(2);
  });
});

test("a flipped bit reaches the handler without keys: ZMTP has no checksum", {
  timeout: TIMEOUT_MS,
}, async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  const reader = new Reader();
  listener.accept(VERB, () => ({ receive: (body) => reader.take(body) }));
  await using proxy = await FaultProxy.open({ target: listener.endpoint });
  await using session = dial(proxy.endpoint);
  const talker = new Talker(session);
  await session.ready(5_000);
  const timer = setInterval(() => talker.say(8_000), 5);
  proxy.set({ corruption: 0.2, corrupts: "toTarget" });
  const changed = (): number => reader.faults.filter((text) => text.includes("changed")).length;
  await expect.poll(changed, { timeout: 20_000 }).toBeGreaterThan(5);
  await proxy.heal();
  await sleep(100);
  // Nothing promises what was sent meanwhile. The process and the session live on.
  const from = talker.sent;
  await expect.poll(() => reader.got, { timeout: 20_000 }).toBeGreaterThan(from + 20);
  clearInterval(timer);
  await expect.poll(() => reader.got, { timeout: 10_000 }).toBe(talker.sent);
});

describe("a process that talks", () => {
  /** A child that sends numbered records through the proxy, and what comes of them here. */
  async function peerOf(): Promise<Peer> {
    await using stack = new AsyncDisposableStack();
    const listener = stack.use(await listen("tcp://127.0.0.1:*"));
    const proxy = stack.use(await FaultProxy.open({ target: listener.endpoint }));
    const reader = new Reader();
    listener.accept(VERB, () => ({
      receive: (body) => reader.take(body),
      reset: () => reader.reset(),
    }));
    const script = fileURLToPath(new URL("./talking-peer.ts", import.meta.url));
    const child = fork(script, [proxy.endpoint], { execArgv: ["-C", "@zeroplane/source"] });
    stack.defer(() => void child.kill("SIGKILL"));
    await expect.poll(() => reader.got, { timeout: 10_000 }).toBeGreaterThan(20);
    const [session] = listener.sessions();
    if (session === undefined) throw new Error("no session");
    const states: string[] = [];
    session.watch((state) => states.push(state));
    const all = stack.move();
    const dispose = (): Promise<void> => all.disposeAsync();
    return { child, reader, session, states, [Symbol.asyncDispose]: dispose };
  }

  test("and is killed is known to be gone", async () => {
    await using peer = await peerOf();
    peer.child.kill("SIGKILL");
    await expect.poll(() => peer.session.state, { timeout: 5_000, interval: 5 }).toBe("down");
    expect(peer.reader.faults).toEqual([]);
  });

  test("and is stopped for 5 s is away, and back with every record", {
    timeout: TIMEOUT_MS,
  }, async () => {
    await using peer = await peerOf();
    peer.child.kill("SIGSTOP");
    await sleep(5_000);
    const before = peer.reader.got;
    expect(peer.session.state).not.toBe("up");
    peer.child.kill("SIGCONT");
    await expect.poll(() => peer.session.state, { timeout: 10_000 }).toBe("up");
    await expect.poll(() => peer.reader.got, { timeout: 10_000 }).toBeGreaterThan(before + 100);
    expect(peer.states.some((state) => state === "stalled" || state === "down")).toBe(true);
    expect(peer.states.at(-1)).toBe("up");
    expect(peer.reader).toMatchObject({ faults: [], resets: 0 });
  });
});
