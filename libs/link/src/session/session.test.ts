import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { codeOf, LinkError } from "../errors.ts";
import { KeyPair, Keyring } from "../keys.ts";
import { SafeSocket } from "../safe-socket.ts";
import { trustKeyring } from "../zap.ts";
import { dial } from "./dial.ts";
import { type Listener, listen } from "./listener.ts";
import type { Session } from "./session.ts";

const VERB = 1;

function echo(listener: Listener): void {
  listener.accept(VERB, (session) => ({
    receive: (body) => session.send(VERB, Buffer.from(body)),
  }));
}

function collect(session: Session): {
  readonly bodies: Buffer[];
  readonly until: (n: number) => Promise<void>;
} {
  const bodies: Buffer[] = [];
  session.attach(VERB, { receive: (body) => bodies.push(Buffer.from(body)) });
  return {
    bodies,
    until: async (n) => {
      const deadline = performance.now() + 8_000;
      while (bodies.length < n && performance.now() < deadline) await sleep(5);
      expect(bodies.length).toBe(n);
    },
  };
}

// libzmq may have been built without the options that tell the ends of connections.
describe.each([
  ["told by libzmq", true],
  ["told by nobody", false],
])("a session whose ends of connections are %s", (_name, draft) => {
  test("comes back when the listener does, and says what was forgotten", async () => {
    const first = await listen("tcp://127.0.0.1:*", { draft });
    echo(first);
    await using session = dial(first.endpoint, { draft, beatMs: 200 });
    await session.ready(2_000);
    const seen: string[] = [];
    session.attach(VERB, {
      receive: (body) => seen.push(String(body)),
      reset: () => seen.push("reset"),
    });
    session.watch((state) => seen.push(state));
    await first.close();
    await using second = await listen(first.endpoint, { draft });
    echo(second);
    await expect.poll(() => seen.at(-1), { timeout: 8_000 }).toBe("up");
    session.send(VERB, Buffer.from("again"));
    await expect.poll(() => seen.at(-1), { timeout: 8_000 }).toBe("again");
    // Without that word the dialer takes a short silence for nothing worse.
    expect(seen.filter((what) => what !== "stalled")).toEqual(["down", "reset", "up", "again"]);
  });

  test("waits for a listener that comes later", async () => {
    const first = await listen("tcp://127.0.0.1:*", { draft });
    const { endpoint } = first;
    await first.close();
    await using session = dial(endpoint, { draft });
    const got = collect(session);
    session.send(VERB, Buffer.from("early"));
    await using listener = await listen(endpoint, { draft });
    echo(listener);
    await got.until(1);
  });

  test("carries records both ways, in order and once", async () => {
    await using listener = await listen("tcp://127.0.0.1:*", { draft });
    echo(listener);
    await using session = dial(listener.endpoint, { draft });
    const got = collect(session);
    for (let i = 0; i < 5_000; i++) session.send(VERB, Buffer.from(String(i)));
    await got.until(5_000);
    expect(got.bodies.map(String)).toEqual(Array.from({ length: 5_000 }, (_, i) => String(i)));
  });
});

describe("a session", () => {
  test("sends large bodies as frames of their own, in order with the small ones", async () => {
    await using listener = await listen("tcp://127.0.0.1:*");
    echo(listener);
    await using session = dial(listener.endpoint);
    const got = collect(session);
    const large = Buffer.alloc(1_000_000, 7);
    session.send(VERB, Buffer.from("before"));
    session.send(VERB, large);
    session.send(VERB, Buffer.from("after"));
    await got.until(3);
    expect(got.bodies[0]?.toString()).toBe("before");
    expect(got.bodies[1]?.equals(large)).toBe(true);
    expect(got.bodies[2]?.toString()).toBe("after");
  });

  test("packs what one turn of the loop says into few packets", async () => {
    await using listener = await listen("tcp://127.0.0.1:*");
    echo(listener);
    await using session = dial(listener.endpoint);
    await session.ready(2_000);
    const got = collect(session);
    for (let i = 0; i < 1_000; i++) session.send(VERB, Buffer.from("x"));
    await got.until(1_000);
    expect(session.stats().packetsOut).toBeLessThan(10);
  });

  test("moves more than the window when the peer keeps up", async () => {
    await using listener = await listen("tcp://127.0.0.1:*", { windowBytes: 64 * 1024 });
    echo(listener);
    await using session = dial(listener.endpoint, { windowBytes: 64 * 1024 });
    const got = collect(session);
    for (let i = 0; i < 300; i++) session.send(VERB, Buffer.alloc(4_000, i));
    await got.until(300);
  });

  test("refuses a send beyond the queue's limit and goes on afterwards", async () => {
    await using listener = await listen("tcp://127.0.0.1:*");
    echo(listener);
    await using session = dial(listener.endpoint, { queueBytesMax: 10_000 });
    const got = collect(session);
    session.send(VERB, Buffer.alloc(9_000));
    expect(() => session.send(VERB, Buffer.alloc(9_000))).toThrow(/bytes wait/);
    await got.until(1);
    session.send(VERB, Buffer.alloc(9_000));
    await got.until(2);
  });

  test("tells a sender of many records when there is room", async () => {
    await using listener = await listen("tcp://127.0.0.1:*", { windowBytes: 100_000 });
    let got = 0;
    listener.accept(VERB, () => ({ receive: () => void got++ }));
    await using session = dial(listener.endpoint, { queueBytesMax: 1_000_000 });
    for (let i = 0; i < 5_000; i++) {
      if (!session.hasRoom) await session.room();
      session.send(VERB, Buffer.alloc(1_000));
    }
    await expect.poll(() => got, { timeout: 8_000 }).toBe(5_000);
  });

  test("takes nothing while it is paused, and all of it afterwards", async () => {
    await using listener = await listen("tcp://127.0.0.1:*");
    let got = 0;
    listener.accept(VERB, () => ({ receive: () => void got++ }));
    await using session = dial(listener.endpoint, { queueBytesMax: 100_000 });
    session.send(VERB, Buffer.from("first"));
    await expect.poll(() => got).toBe(1);
    listener.sessions()[0]?.pause();
    await expect.poll(() => session.stats().creditBytes).toBe(0);
    for (let i = 0; i < 60; i++) session.send(VERB, Buffer.alloc(1_000));
    const error: unknown = await session
      .room({ timeoutMs: 100 })
      .catch((reason: unknown) => reason);
    expect(codeOf(error)).toBe("ERR_LINK_TIMEOUT");
    expect(got).toBe(1);
    listener.sessions()[0]?.resume();
    await session.room();
    await expect.poll(() => got).toBe(61);
  });

  test("a wait for room or for the peer ends with its signal", async () => {
    await using session = dial("tcp://127.0.0.1:9", { queueBytesMax: 1_000 });
    session.send(VERB, Buffer.alloc(900));
    const signal = AbortSignal.timeout(20);
    await expect(session.room({ signal })).rejects.toThrow(/aborted/);
    await expect(session.ready(5_000, AbortSignal.timeout(20))).rejects.toThrow(/aborted/);
  });

  test("both sides see what the other can do", async () => {
    await using listener = await listen("tcp://127.0.0.1:*", { capabilities: ["a", "b"] });
    echo(listener);
    await using session = dial(listener.endpoint, { node: "me", capabilities: ["c"] });
    const got = collect(session);
    session.send(VERB, Buffer.from("x"));
    await got.until(1);
    expect(session.peer.capabilities).toEqual(["a", "b"]);
    expect(listener.sessions()[0]?.peer).toMatchObject({ node: "me", capabilities: ["c"] });
  });

  test("is told when the listener has all the sessions it takes", async () => {
    await using listener = await listen("tcp://127.0.0.1:*", { sessionsMax: 1 });
    await using first = dial(listener.endpoint);
    await first.ready(2_000);
    await using second = dial(listener.endpoint);
    const error: unknown = await second.ready(2_000).catch((reason: unknown) => reason);
    expect(codeOf(error)).toBe("ERR_LINK_REFUSED");
    expect(String(error)).toContain("all the sessions it takes");
    expect(listener.stats().refused).toEqual({ sessions: 1 });
  });

  test("counts what no verb and no handler takes, and goes on", async () => {
    await using listener = await listen("tcp://127.0.0.1:*");
    const got: string[] = [];
    listener.accept(VERB, () => ({
      receive: (body) => {
        if (body.length === 3) throw new LinkError("ERR_LINK_PROTOCOL", "not that");
        got.push(String(body));
      },
    }));
    await using session = dial(listener.endpoint);
    session.send(2, Buffer.from("nobody"));
    session.send(VERB, Buffer.from("bad"));
    session.send(VERB, Buffer.from("good"));
    await expect.poll(() => got).toEqual(["good"]);
    expect(listener.sessions()[0]?.stats().refused).toEqual({ verb: 1, handler: 1 });
  });

  test("says who never answered", async () => {
    await using session = dial("tcp://127.0.0.1:9");
    const error: unknown = await session.ready(100).catch((reason: unknown) => reason);
    expect(codeOf(error)).toBe("ERR_LINK_TIMEOUT");
    expect(String(error)).toContain("tcp://127.0.0.1:9");
  });

  test("counts garbage by reason and lives on", async () => {
    await using listener = await listen("tcp://127.0.0.1:*");
    echo(listener);
    await using stranger = new SafeSocket("dealer");
    stranger.connect(listener.endpoint);
    stranger.send([Buffer.from("hello?")]);
    const broken = Buffer.alloc(40, 1);
    broken[0] = 0xc1;
    stranger.send([broken]);
    await using session = dial(listener.endpoint);
    const got = collect(session);
    session.send(VERB, Buffer.from("still there"));
    await got.until(1);
    expect(listener.stats().refused).toEqual({ protocol: 1, hello: 1 });
  });
});

describe("a session with keys", () => {
  const server = KeyPair.random();
  const friend = KeyPair.random();
  const listenKeys = { key: server, trust: (key: string) => key === friend.publicKey };

  test("lets a trusted key in and knows it", async () => {
    await using listener = await listen("tcp://127.0.0.1:*", { keys: listenKeys });
    echo(listener);
    await using session = dial(listener.endpoint, {
      keys: { key: friend, serverKey: server.publicKey },
    });
    const got = collect(session);
    session.send(VERB, Buffer.from("secret"));
    await got.until(1);
    expect(listener.sessions()[0]?.peer.key).toBe(friend.publicKey);
  });

  test("turns away an unknown key, a wrong server key and a client without any", async () => {
    await using listener = await listen("tcp://127.0.0.1:*", { keys: listenKeys });
    const stranger = KeyPair.random();
    const tries = [
      dial(listener.endpoint, { keys: { key: stranger, serverKey: server.publicKey } }),
      dial(listener.endpoint, { keys: { key: friend, serverKey: stranger.publicKey } }),
      dial(listener.endpoint),
    ];
    for (const session of tries) {
      await expect(session.ready(150)).rejects.toThrow(/nobody answers/);
      await session.close();
    }
    expect(listener.sessions()).toEqual([]);
    expect(listener.stats().refused["handshake"]).toBeGreaterThan(0);
  });

  test("ends the live sessions of a key that is revoked, and refuses it from then on", async () => {
    const ring = new Keyring(mkdtempSync(join(tmpdir(), "zp-revoke-")));
    const keys = { key: ring.create("server"), trust: trustKeyring(ring) };
    await using listener = await listen("tcp://127.0.0.1:*", { keys });
    echo(listener);
    const [mallory, alice] = [ring.create("mallory"), ring.create("alice")].map((key) =>
      dial(listener.endpoint, { keys: { key, serverKey: keys.key.publicKey } }),
    );
    if (mallory === undefined || alice === undefined) throw new Error("no sessions");
    await Promise.all([mallory.ready(2_000), alice.ready(2_000)]);
    const states: string[] = [];
    mallory.watch((state) => states.push(state));
    expect(ring.revoke("mallory")).toBe(true);
    await expect.poll(() => states.at(-1), { timeout: 5_000 }).toBe("down");
    expect(listener.stats().refused["revoked"]).toBe(1);
    const error: unknown = await mallory.ready(8_000).catch((reason: unknown) => reason);
    expect(codeOf(error)).toBe("ERR_LINK_REFUSED");
    const got = collect(alice);
    alice.send(VERB, Buffer.from("still here"));
    await got.until(1);
    await Promise.all([mallory.close(), alice.close()]);
  });

  test("a trust list that cannot be read lets nobody in and cuts nobody off", async () => {
    let isBroken = false;
    const trust = (): boolean => {
      if (isBroken) throw new Error("disk");
      return true;
    };
    await using listener = await listen("tcp://127.0.0.1:*", {
      keys: { key: server, trust: (key) => key === friend.publicKey && trust() },
    });
    const keys = { key: friend, serverKey: server.publicKey };
    await using session = dial(listener.endpoint, { keys });
    await session.ready(2_000);
    isBroken = true;
    expect(listener.revokeUntrusted()).toBe(0);
    expect(session.state).toBe("up");
    await using late = dial(listener.endpoint, { keys });
    await expect(late.ready(200)).rejects.toThrow(/nobody answers/);
  });

  test("refuses to bind beyond loopback without keys unless told so", async () => {
    await expect(listen("tcp://0.0.0.0:*")).rejects.toMatchObject({ code: "ERR_LINK_INSECURE" });
    await using listener = await listen("tcp://0.0.0.0:*", { insecure: true });
    expect(listener.endpoint).toMatch(/^tcp:\/\/0\.0\.0\.0:\d+$/);
  });

  test("says that an endpoint is in use", async () => {
    await using listener = await listen("tcp://127.0.0.1:*");
    await expect(listen(listener.endpoint)).rejects.toThrow(/in use/);
  });
});
