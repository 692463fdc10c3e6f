import { setTimeout as sleep } from "node:timers/promises";
import { codeOf, type Interceptor, KeyPair, listen, relay, SafeSocket } from "@zeroplane/link";
import { describe, expect, test } from "vitest";
import { callMethod, connect, currentCall, expose, serve } from "../index.ts";
import { decodeEvent, type ZerorpcEvent } from "./event.ts";
import { probe } from "./probe.ts";

class Shop {
  ended = 0;
  reason: unknown;
  add(a: number, b: number): number {
    return a + b;
  }
  echo(value: unknown): unknown {
    return value;
  }
  nothing(): void {
    return undefined;
  }
  async slow(ms: number): Promise<string> {
    await sleep(ms);
    return "done";
  }
  fail(message: string): never {
    throw new RangeError(message);
  }
  *range(n: number): Generator<number> {
    for (let i = 0; i < n; i++) yield i;
  }
  async *ticks(ms: number): AsyncGenerator<number> {
    try {
      for (let i = 0; ; i++) {
        yield i;
        await sleep(ms);
      }
    } finally {
      this.ended++;
    }
  }
  wait(): Promise<void> {
    const signal = currentCall()!.signal;
    return new Promise((_, reject) => {
      signal.addEventListener("abort", () => {
        this.reason = signal.reason;
        reject(signal.reason as Error);
      });
    });
  }
  headers(): unknown {
    return currentCall()?.headers;
  }
}

/** Stands between a client and a server, and keeps every event. */
async function between(server: string): Promise<{
  readonly endpoint: string;
  readonly seen: { readonly toServer: boolean; readonly event: ZerorpcEvent | undefined }[];
  readonly close: () => void;
  readonly [Symbol.dispose]: () => void;
}> {
  const front = new SafeSocket("router");
  const endpoint = await front.bind("tcp://127.0.0.1:*");
  const seen: { toServer: boolean; event: ZerorpcEvent | undefined }[] = [];
  const backs = new Map<string, SafeSocket>();
  const back = (route: Buffer): SafeSocket => {
    const key = route.toString("hex");
    const known = backs.get(key);
    if (known !== undefined) return known;
    const socket = new SafeSocket("dealer");
    backs.set(key, socket);
    socket.connect(server);
    void (async () => {
      for await (const frames of socket) {
        seen.push({ toServer: false, event: decodeEvent(frames.at(-1)!) });
        front.send([route, ...frames]);
      }
    })();
    return socket;
  };
  void (async () => {
    for await (const [route, ...frames] of front) {
      seen.push({ toServer: true, event: decodeEvent(frames.at(-1)!) });
      back(Buffer.from(route!)).send(frames);
    }
  })();
  const close = (): void => {
    for (const socket of backs.values()) socket.close();
    front.close();
  };
  return { endpoint, seen, close, [Symbol.dispose]: close };
}

const FOREIGN = { dialect: "zerorpc" } as const;

describe("which dialect", () => {
  test("our own server is found out and called in ours", async () => {
    await using server = await serve(new Shop());
    expect(await probe(server.endpoint)).toBe("zp1");
    await using client = connect<Shop>(server.endpoint);
    expect(await client.add(1, 2)).toBe(3);
  });

  test("a server that answers without our mark is called in zerorpc, and sees nothing else", async () => {
    await using server = await serve(new Shop());
    const foreign = new SafeSocket("router");
    const endpoint = await foreign.bind("tcp://127.0.0.1:*");
    const back = new SafeSocket("dealer");
    back.connect(server.endpoint);
    const odd: string[] = [];
    void (async () => {
      for await (const [route, ...frames] of foreign) {
        const event = decodeEvent(frames.at(-1)!);
        if (event === undefined || frames.length !== 2) odd.push(frames.at(-1)!.toString("hex"));
        // A foreign server keeps our mark to itself: its answers have none.
        if (event?.isOurs === true) frames[1] = unmarked(frames[1]!);
        back.send([route!, ...frames]);
      }
    })();
    void (async () => {
      for await (const frames of back) foreign.send(frames);
    })();
    expect(await probe(endpoint)).toBe("zerorpc");
    await using client = connect<Shop>(endpoint);
    expect(await client.add(1, 2)).toBe(3);
    const items: number[] = [];
    for await (const item of client.range(300)) items.push(item);
    expect(items).toHaveLength(300);
    expect(odd).toEqual([]);
    back.close();
    foreign.close();
  });

  test("it is asked until somebody is there", async () => {
    const shop = new Shop();
    await using first = await serve(shop);
    const { endpoint } = first;
    await first.close();
    await using client = connect<Shop>(endpoint);
    const answer = client.add(2, 2);
    await sleep(300);
    await using _second = await serve(shop, { bind: endpoint });
    expect(await answer).toBe(4);
  });

  test("a relay in front is one of ours", async () => {
    await using server = await serve(new Shop());
    await using front = await listen("tcp://127.0.0.1:*");
    await using _relay = relay(front, { to: [server.endpoint] });
    await using client = connect<Shop>(front.endpoint);
    expect(await client.add(2, 3)).toBe(5);
  });

  test("both on one port, at the same time", async () => {
    await using server = await serve(new Shop());
    await using ours = connect<Shop>(server.endpoint);
    await using theirs = connect<Shop>(server.endpoint, FOREIGN);
    const sums = Array.from({ length: 200 }, (_, i) => (i % 2 ? ours : theirs).add(i, 1));
    expect(await Promise.all(sums)).toEqual(sums.map((_, i) => i + 1));
  });

  test("with keys there is only ours", async () => {
    const key = KeyPair.random();
    const own = KeyPair.random();
    await using server = await serve(new Shop(), {
      keys: { key, trust: (k) => k === own.publicKey },
    });
    const keys = { key: own, serverKey: key.publicKey };
    await using client = connect<Shop>(server.endpoint, { keys });
    expect(await client.add(1, 1)).toBe(2);
    const aborted = AbortSignal.timeout(300);
    await expect(probe(server.endpoint, { signal: aborted })).rejects.toThrow(/aborted/);
  });
});

/** The same event without its key `zp`. */
function unmarked(payload: Buffer): Buffer {
  const mark = Buffer.from("a27a7001", "hex");
  const at = payload.indexOf(mark);
  const bytes = Buffer.concat([payload.subarray(0, at), payload.subarray(at + mark.length)]);
  bytes[1] = (bytes[1] as number) - 1;
  return bytes;
}

describe("calls in zerorpc", () => {
  test("carry values, also those of 64 bits", async () => {
    await using server = await serve(new Shop());
    await using client = connect<Shop>(server.endpoint, FOREIGN);
    const values = [
      null,
      true,
      -1.5,
      "é",
      Buffer.from([1]),
      [1, [2]],
      { a: { b: null } },
      2n ** 63n,
    ];
    expect(await client.echo(values)).toEqual(
      values.map((v) => (Buffer.isBuffer(v) ? Uint8Array.from(v) : v)),
    );
    expect(await client.nothing()).toBe(null);
  });

  test("errors have the name, the message and a traceback without paths", async () => {
    await using server = await serve(new Shop());
    await using client = connect<Shop>(server.endpoint, FOREIGN);
    const error = (await client.fail("too far").then(null, (e: unknown) => e)) as Error;
    expect(error).toMatchObject({ name: "RangeError", message: "too far", code: "ERR_REMOTE" });
    expect(error.stack).toMatch(/remote: zerorpc\.fail[\s\S]*at Shop\.fail/);
    expect(error.stack?.split("--- remote")[1]).not.toContain("/");
    for (const name of ["toString", "__proto__", "constructor", "no such"]) {
      const unknown = { name: "NameError", message: name };
      await expect(callMethod(client, name, [])).rejects.toMatchObject(unknown);
    }
  });

  test("headers travel both ways of thinking: to the handler and to interceptors", async () => {
    const seen: unknown[] = [];
    const interceptor: Interceptor = (operation, next) => {
      seen.push(operation.headers);
      return next();
    };
    await using server = await serve(new Shop(), { interceptors: [interceptor] });
    const headers = { trace_id: "t-1" };
    await using client = connect<Shop>(server.endpoint, { ...FOREIGN, headers });
    expect(await client.headers()).toEqual(headers);
    expect(seen).toEqual([headers]);
  });

  test("10 000 items come in order, asked for 51 at a time", async () => {
    await using server = await serve(new Shop());
    using proxy = await between(server.endpoint);
    await using client = connect<Shop>(proxy.endpoint, FOREIGN);
    let next = 0;
    for await (const item of client.range(10_000)) expect(item).toBe(next++);
    expect(next).toBe(10_000);
    const grants = proxy.seen.filter(({ event }) => event?.name === "_zpc_more");
    const asked = grants.map(({ event }) => (event!.args as number[])[0]);
    expect(asked.slice(0, 3)).toEqual([100, 51, 51]);
    expect(asked.length).toBeLessThan(200);
  });

  test("who reads slowly holds the generator back", async () => {
    await using server = await serve(new Shop());
    using proxy = await between(server.endpoint);
    await using client = connect<Shop>(proxy.endpoint, FOREIGN);
    const items = client.range(1_000)[Symbol.asyncIterator]();
    await items.next();
    await sleep(200);
    const came = proxy.seen.filter(({ event }) => event?.name === "STREAM").length;
    expect(came).toBe(101);
    await items.return?.();
  });

  test("beats of both sides keep a long call alive", async () => {
    await using server = await serve(new Shop(), { zerorpc: { heartbeatMs: 100 } });
    using proxy = await between(server.endpoint);
    await using client = connect<Shop>(proxy.endpoint, { ...FOREIGN, heartbeatMs: 100 });
    expect(await client.slow(1_000)).toBe("done");
    const beats = proxy.seen.filter(({ event }) => event?.name === "_zpc_hb");
    expect(beats.filter(({ toServer }) => toServer).length).toBeGreaterThan(5);
    expect(beats.filter(({ toServer }) => !toServer).length).toBeGreaterThan(5);
  });

  test("a client that is gone ends what it asked for", async () => {
    const shop = new Shop();
    await using server = await serve(shop, { zerorpc: { heartbeatMs: 100 } });
    {
      await using client = connect<Shop>(server.endpoint, { ...FOREIGN, heartbeatMs: 100 });
      const items = client.ticks(10)[Symbol.asyncIterator]();
      await items.next();
      client.wait().catch(() => undefined);
      await expect.poll(() => server.running()).toBe(2);
    }
    await expect.poll(() => shop.ended, { timeout: 5_000 }).toBe(1);
    await expect.poll(() => codeOf(shop.reason)).toBe("ERR_LOST_REMOTE");
    expect(server.running()).toBe(0);
  });

  test("a client that stops reading is lost by its beats, though its connection stays", async () => {
    const shop = new Shop();
    await using server = await serve(shop, { zerorpc: { heartbeatMs: 100 } });
    await using client = connect<Shop>(server.endpoint, { ...FOREIGN, heartbeatMs: 100 });
    for await (const _ of client.ticks(10)) break;
    await expect.poll(() => shop.ended, { timeout: 5_000 }).toBe(1);
  });

  test("a server that is gone fails the calls that it had", async () => {
    await using server = await serve(new Shop());
    using proxy = await between(server.endpoint);
    await using client = connect<Shop>(proxy.endpoint, { ...FOREIGN, heartbeatMs: 100 });
    const answer = client.slow(5_000);
    answer.catch(() => undefined);
    await expect.poll(() => server.running()).toBe(1);
    proxy.close();
    await expect(answer).rejects.toMatchObject({ code: "ERR_LOST_REMOTE" });
  });

  test("a timeout is the caller's own", async () => {
    await using server = await serve(new Shop());
    await using client = connect<Shop>(server.endpoint, { ...FOREIGN, timeoutMs: 100 });
    await expect(client.slow(1_000)).rejects.toMatchObject({ code: "ERR_DEADLINE" });
  });

  test("too many calls of one peer are refused", async () => {
    await using server = await serve(new Shop(), { callsMax: 2 });
    await using client = connect<Shop>(server.endpoint, FOREIGN);
    const answers = await Promise.allSettled([client.slow(50), client.slow(50), client.slow(50)]);
    expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected"]);
  });

  test("garbage does no harm", async () => {
    await using listener = await listen("tcp://127.0.0.1:*");
    await using _server = expose(new Shop(), listener);
    const socket = new SafeSocket("dealer");
    socket.connect(listener.endpoint);
    const none = Buffer.alloc(0);
    const bad = [
      "",
      "93",
      "c1",
      "9380a0c0",
      "93808080",
      "dd7fffffff",
      "9381aa6d6573736167655f6964c4ff01",
    ];
    for (const hex of bad) socket.send([none, Buffer.from(hex, "hex")]);
    await using client = connect<Shop>(listener.endpoint, FOREIGN);
    expect(await client.add(1, 2)).toBe(3);
    expect(listener.stats().refused["protocol"]).toBeGreaterThan(3);
    socket.close();
  });
});
