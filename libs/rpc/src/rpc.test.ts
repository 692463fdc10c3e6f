import type nodePath from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { dial, KeyPair, listen } from "@zeroplane/link";
import { describe, expect, expectTypeOf, test } from "vitest";
import {
  type Connected,
  callMethod,
  connect,
  currentCall,
  RemoteError,
  type Server,
  serve,
} from "./index.ts";

class QuotaError extends Error {
  override readonly name = "QuotaError";
  readonly code = "ERR_QUOTA";
  readonly data = { limit: 10 };
}

class Prices {
  readonly seen: string[] = [];
  readonly #secret = 42;
  readonly nested = { deeper: { double: (n: number): number => n * 2 } };

  /** Adds. */
  add(a: number, b = 1): number {
    return a + b;
  }
  async later(text: string): Promise<string> {
    await sleep(5);
    return text.toUpperCase();
  }
  async *count(to: number): AsyncGenerator<number> {
    try {
      for (let i = 0; i < to; i++) yield i;
    } finally {
      this.seen.push("count ended");
    }
  }
  *letters(): Generator<string> {
    yield "a";
    yield "b";
  }
  async *breaks(): AsyncGenerator<number> {
    yield 1;
    throw new QuotaError("in the middle");
  }
  fails(): never {
    throw new QuotaError("over the limit", { cause: new TypeError("inner") });
  }
  async hangs(): Promise<string> {
    const call = currentCall();
    await sleep(10_000, undefined, { signal: call?.signal ?? AbortSignal.abort() }).catch(() => {
      this.seen.push(`aborted: ${String(call?.signal.reason.code)}`);
    });
    return "late";
  }
  caller(): { left: number; headers: Record<string, string> } {
    return { left: currentCall()?.leftMs ?? -1, headers: { ...currentCall()?.headers } };
  }
  unsendable(): unknown {
    return new Map();
  }
  total(): number {
    return this.#secret;
  }
  _hidden(): string {
    return "no";
  }
}

interface Pair extends AsyncDisposable {
  readonly target: Prices;
  readonly server: Server;
  readonly client: Connected<Prices>;
}

async function pair(): Promise<Pair> {
  const target = new Prices();
  const server = await serve(target);
  const client = connect<Prices>(server.endpoint);
  const dispose = async (): Promise<void> => {
    await client[Symbol.asyncDispose]();
    await server.close();
  };
  return { target, server, client, [Symbol.asyncDispose]: dispose };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  return Array.fromAsync(items);
}

describe("a call", () => {
  test("gives what the method gives, sync or async, with defaults and nested names", async () => {
    await using p = await pair();
    expect(await p.client.add(1, 2)).toBe(3);
    expect(await p.client.add(1)).toBe(2);
    expect(await p.client.add(1, undefined)).toBe(2);
    expect(await p.client.later("x")).toBe("X");
    expect(await p.client.nested.deeper.double(4)).toBe(8);
    expect(await p.client.total()).toBe(42);
  });

  test("matches ten thousand answers to their calls", async () => {
    await using p = await pair();
    const answers = await Promise.all(Array.from({ length: 10_000 }, (_, i) => p.client.add(i, i)));
    expect(answers.every((answer, i) => answer === 2 * i)).toBe(true);
  });

  test("is typed by the class alone", async () => {
    await using p = await pair();
    expectTypeOf(p.client.add).parameters.toEqualTypeOf<[a: number, b?: number | undefined]>();
    expectTypeOf(p.client.later("x")).resolves.toEqualTypeOf<string>();
    expectTypeOf(p.client.count(1)).toExtend<AsyncIterable<number>>();
    // @ts-expect-error a string is no number
    await expect(p.client.add("1", "2")).resolves.toBe("12");
    // @ts-expect-error there is no such method
    await expect(p.client.substract(1) as Promise<number>).rejects.toMatchObject({
      code: "ERR_NO_METHOD",
    });
    // @ts-expect-error private by its name
    await expect(p.client._hidden() as Promise<string>).rejects.toMatchObject({
      code: "ERR_NO_METHOD",
    });
  });

  test("never reaches what Object brings", async () => {
    await using p = await pair();
    for (const name of [
      "constructor",
      "toString",
      "__proto__",
      "hasOwnProperty",
      "then",
      "#secret",
    ]) {
      await expect(callMethod(p.client, name, [])).rejects.toMatchObject({ code: "ERR_NO_METHOD" });
    }
  });

  test("names the nearest methods when there is none of that name", async () => {
    await using p = await pair();
    await expect(callMethod(p.client, "ad", [])).rejects.toThrow(
      /no method "ad"; did you mean add/,
    );
  });

  test("fails with the remote error: name, code, data, cause, and one traceback", async () => {
    await using p = await pair();
    // Call sites are kept for a number of calls a second: begin a new one.
    await sleep(1_010 - (performance.now() % 1_000));
    const error: unknown = await p.client.fails().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ name: "QuotaError", code: "ERR_QUOTA", data: { limit: 10 } });
    expect((error as RemoteError).cause).toMatchObject({ name: "TypeError", message: "inner" });
    const { stack = "" } = error as RemoteError;
    expect(stack).toMatch(/^QuotaError: over the limit\n\s+at .*rpc\.test\.ts/);
    expect(stack).toMatch(/--- remote: Prices\.fails .* ---\n\s+at Prices\.fails/);
  });

  test("carries the hops of every process it went through", async () => {
    await using p = await pair();
    const middle = { relay: async (): Promise<never> => p.client.fails() as Promise<never> };
    await using second = await serve(middle, { name: "Middle" });
    await using client = connect<typeof middle>(second.endpoint);
    const error: unknown = await client.relay().catch((reason: unknown) => reason);
    const hops = (error as RemoteError).hops.map(({ service, method }) => `${service}.${method}`);
    expect(hops).toEqual(["Prices.fails", "Middle.relay"]);
    expect((error as RemoteError).stack).toMatch(/Middle\.relay[\s\S]*Prices\.fails/);
  });

  test("refuses what cannot travel, either way, and says so", async () => {
    await using p = await pair();
    await expect(callMethod(p.client, "add", [() => 1])).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENTS",
    });
    await expect(p.client.unsendable()).rejects.toMatchObject({ code: "ERR_INVALID_RESULT" });
    expect(await p.client.add(1)).toBe(2);
  });

  test("ends at its deadline, here and in the handler", async () => {
    await using p = await pair();
    await p.client.add(1);
    await expect(p.client.with({ timeoutMs: 50 }).hangs()).rejects.toMatchObject({
      code: "ERR_DEADLINE",
    });
    await expect.poll(() => p.target.seen).toContainEqual(expect.stringMatching(/^aborted/));
  });

  test("is cancelled by its signal, here and in the handler", async () => {
    await using p = await pair();
    await p.client.add(1);
    const abort = new AbortController();
    const call = p.client.with({ signal: abort.signal }).hangs();
    setTimeout(() => abort.abort(new Error("enough")), 20);
    await expect(call).rejects.toThrow("enough");
    await expect.poll(() => p.target.seen).toContain("aborted: ERR_CANCELLED");
  });

  test("shows its handler the time left and the headers", async () => {
    await using p = await pair();
    const { left, headers } = await p.client
      .with({ timeoutMs: 5_000, headers: { a: "b" } })
      .caller();
    expect(left).toBeGreaterThan(4_000);
    expect(left).toBeLessThanOrEqual(5_000);
    expect(headers).toEqual({ a: "b" });
  });

  test("gives its deadline on to the calls it makes", async () => {
    await using p = await pair();
    const middle = { relay: () => p.client.caller() };
    await using second = await serve(middle);
    await using client = connect<typeof middle>(second.endpoint, { timeoutMs: 1_000 });
    expect((await client.relay()).left).toBeLessThanOrEqual(1_000);
  });

  test("says that nobody is there", async () => {
    await using client = connect<Prices>("tcp://127.0.0.1:9", { timeoutMs: 60 });
    await expect(client.add(1)).rejects.toMatchObject({ code: "ERR_UNAVAILABLE" });
  });

  test("is refused beyond the limit of running calls", async () => {
    await using server = await serve(new Prices(), { callsMax: 2 });
    await using client = connect<Prices>(server.endpoint, { timeoutMs: 300 });
    const calls = await Promise.allSettled([client.hangs(), client.hangs(), client.hangs()]);
    const codes = calls.map((call) => (call.status === "rejected" ? call.reason.code : "ok"));
    expect(codes).toEqual(["ERR_DEADLINE", "ERR_DEADLINE", "ERR_OVERLOADED"]);
  });

  test("fails at once when the server goes away under it", async () => {
    const server = await serve({ hang: () => new Promise(() => undefined) }, { drainMs: 50 });
    await using client = connect<{ hang(): Promise<void> }>(server.endpoint, { timeoutMs: 20_000 });
    const call = client.hang();
    call.catch(() => undefined);
    await sleep(50);
    void server.close();
    await expect(call).rejects.toMatchObject({ code: "ERR_LOST_REMOTE" });
  });
});

test("a result that is iterated is no empty stream", async () => {
  await using p = await pair();
  const call = callMethod(p.client, "add", [1, 1]);
  await expect(all(call)).rejects.toThrow(/await the call/);
  const settled = callMethod(p.client, "add", [1, 1]);
  expect(await settled).toBe(2);
  await expect(all(settled)).rejects.toThrow(/await the call/);
});

test("two clients may share a session", async () => {
  await using server = await serve(new Prices());
  await using session = dial(server.endpoint);
  const [one, two] = [connect<Prices>(session), connect<Prices>(session)];
  expect(await Promise.all([one.add(1, 1), two.add(2, 2), one.later("x")])).toEqual([2, 4, "X"]);
});

test("an answer that cannot be read fails the call that waits for it", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  listener.accept(1, (session) => ({
    receive: (record) => {
      if (record[0] === 2) session.send(1, Buffer.from([5, ...record.subarray(1, 5), 0xc1]));
    },
  }));
  await using client = connect<Prices>(listener.endpoint, { dialect: "zp1", timeoutMs: 5_000 });
  await expect(client.add(1)).rejects.toMatchObject({ code: "ERR_PROTOCOL" });
});

describe("a stream", () => {
  test("gives its items in order, of async and of plain generators", async () => {
    await using p = await pair();
    expect(await all(p.client.count(5_000))).toEqual(Array.from({ length: 5_000 }, (_, i) => i));
    expect(await all(p.client.letters())).toEqual(["a", "b"]);
    expect(await all(p.client.count(0))).toEqual([]);
    expect(await all(await p.client.count(2))).toEqual([0, 1]);
  });

  test("ends the generator when the caller stops early", async () => {
    await using p = await pair();
    for await (const n of p.client.count(1_000_000)) if (n === 10) break;
    await expect.poll(() => p.target.seen).toContain("count ended");
  });

  test("waits for a slow reader instead of filling memory", async () => {
    let made = 0;
    const source = {
      async *blocks(): AsyncGenerator<Uint8Array> {
        for (; made < 1_000; made++) yield new Uint8Array(10_000);
      },
    };
    await using server = await serve(source);
    await using client = connect<typeof source>(server.endpoint);
    const items = client.blocks()[Symbol.asyncIterator]();
    await items.next();
    await sleep(200);
    expect(made).toBeLessThan(60);
    let read = 1;
    while (!(await items.next()).done) read++;
    expect(read).toBe(1_000);
  });

  test("fails in the middle with the remote error after the items before it", async () => {
    await using p = await pair();
    const seen: number[] = [];
    const read = async (): Promise<void> => {
      for await (const n of p.client.breaks()) seen.push(n);
    };
    await expect(read()).rejects.toMatchObject({ code: "ERR_QUOTA" });
    expect(seen).toEqual([1]);
  });
});

describe("a server", () => {
  test("serves modules, functions and plain objects", async () => {
    await using path = await serve(process.getBuiltinModule("node:path"));
    await using paths = connect<typeof nodePath>(path.endpoint);
    expect(await paths.join("a", "b")).toBe("a/b");
    await using one = await serve(function double(n: number) {
      return n * 2;
    });
    await using client = connect<{ double(n: number): number }>(one.endpoint);
    expect(await client.double(3)).toBe(6);
  });

  test("describes itself", async () => {
    await using p = await pair();
    expect(await callMethod(p.client, "_zerorpc_ping", [])).toEqual(["pong", "Prices"]);
    expect(await callMethod(p.client, "_zerorpc_list", [])).toContain("nested.deeper.double");
    const { methods } = (await callMethod(p.client, "_zerorpc_inspect", [])) as {
      methods: Record<string, { doc: string; args: { name: string }[] }>;
    };
    expect(methods["add"]?.doc).toBe("Adds.");
    expect(methods["add"]?.args.map(({ name }) => name)).toEqual(["a", "b"]);
  });

  test("with keys knows who calls", async () => {
    const [key, friend] = [KeyPair.random(), KeyPair.random()];
    const who = { who: () => currentCall()?.peer.key };
    await using server = await serve(who, { keys: { key, trust: (k) => k === friend.publicKey } });
    await using client = connect<typeof who>(server.endpoint, {
      keys: { key: friend, serverKey: key.publicKey },
    });
    expect(await client.who()).toBe(friend.publicKey);
  });
});

describe("interceptors", () => {
  test("wrap calls and streams on both sides and carry headers", async () => {
    const log: string[] = [];
    const target = {
      echo: () => currentCall()?.headers["tag"],
      items: function* () {
        yield 1;
      },
    };
    await using server = await serve(target, {
      name: "T",
      interceptors: [
        async (operation, next) => {
          log.push(`server ${operation.name} ${operation.headers["tag"]}`);
          return next().finally(() => log.push("server end"));
        },
      ],
    });
    await using client = connect<typeof target>(server.endpoint, {
      interceptors: [
        async (operation, next) => {
          await sleep(1);
          operation.headers["tag"] = "x";
          return next().finally(() => log.push(`client end ${operation.name}`));
        },
      ],
    });
    expect(await client.echo()).toBe("x");
    expect(await all(client.items())).toEqual([1]);
    await expect.poll(() => log.length).toBe(6);
    expect(log.filter((line) => line.startsWith("server T."))).toEqual([
      "server T.echo x",
      "server T.items x",
    ]);
  });
});
