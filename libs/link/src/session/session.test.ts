import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { codeOf } from "../errors.ts";
import { KeyPair } from "../keys.ts";
import { SafeSocket } from "../safe-socket.ts";
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

describe("a session", () => {
  test("carries records both ways, in order and once", async () => {
    await using listener = await listen("tcp://127.0.0.1:*");
    echo(listener);
    await using session = dial(listener.endpoint);
    const got = collect(session);
    for (let i = 0; i < 5_000; i++) session.send(VERB, Buffer.from(String(i)));
    await got.until(5_000);
    expect(got.bodies.map(String)).toEqual(Array.from({ length: 5_000 }, (_, i) => String(i)));
  });

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

  test("waits for a listener that comes later", async () => {
    const first = await listen("tcp://127.0.0.1:*");
    const { endpoint } = first;
    await first.close();
    await using session = dial(endpoint);
    const got = collect(session);
    session.send(VERB, Buffer.from("early"));
    await using listener = await listen(endpoint);
    echo(listener);
    await got.until(1);
  });

  test("comes back when the listener does, and says what was forgotten", async () => {
    const first = await listen("tcp://127.0.0.1:*");
    echo(first);
    await using session = dial(first.endpoint);
    await session.ready(2_000);
    const seen: string[] = [];
    session.attach(VERB, {
      receive: (body) => seen.push(String(body)),
      reset: () => seen.push("reset"),
    });
    session.watch((state) => seen.push(state));
    await first.close();
    await using second = await listen(first.endpoint);
    echo(second);
    await expect.poll(() => seen.at(-1), { timeout: 3_000 }).toBe("up");
    session.send(VERB, Buffer.from("again"));
    await expect.poll(() => seen.at(-1)).toBe("again");
    expect(seen).toEqual(["down", "reset", "up", "again"]);
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
