import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { connect, currentCall, serve } from "./index.ts";

class Sums {
  stopped = 0;
  taken = 0;
  async total(numbers: AsyncIterable<number>): Promise<number> {
    let sum = 0;
    for await (const each of numbers) sum += each;
    return sum;
  }
  async first(numbers: AsyncIterable<number>, count: number): Promise<number[]> {
    const found: number[] = [];
    for await (const each of numbers) if (found.push(each) === count) break;
    return found;
  }
  async *running(numbers: AsyncIterable<number>): AsyncGenerator<number> {
    let sum = 0;
    for await (const each of numbers) yield (sum += each);
  }
  async zip(a: AsyncIterable<string>, b: AsyncIterable<string>): Promise<string> {
    const [left, right] = await Promise.all([Array.fromAsync(a), Array.fromAsync(b)]);
    return left.map((each, i) => each + right[i]).join();
  }
  async never(_numbers: AsyncIterable<number>): Promise<void> {
    await sleep(5_000, undefined, { signal: currentCall()?.signal as AbortSignal });
  }
}

async function* upTo(count: number, seen?: (i: number) => void): AsyncGenerator<number> {
  for (let i = 1; i <= count; i++) {
    seen?.(i);
    yield i;
  }
}

async function pair(): Promise<{
  readonly sums: Sums;
  readonly client: ReturnType<typeof connect<Sums>>;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const sums = new Sums();
  const server = await serve(sums);
  const client = connect<Sums>(server.endpoint);
  const end = async (): Promise<void> => {
    await client[Symbol.asyncDispose]();
    await server.close();
  };
  return { sums, client, [Symbol.asyncDispose]: end };
}

describe("a stream among the arguments", () => {
  test("comes item by item", async () => {
    await using p = await pair();
    expect(await p.client.total(upTo(1_000))).toBe(500_500);
    expect(await p.client.total(upTo(0))).toBe(0);
  });

  test("may be one of several", async () => {
    await using p = await pair();
    const letters = async function* (text: string): AsyncGenerator<string> {
      yield* text;
    };
    expect(await p.client.zip(letters("abc"), letters("123"))).toBe("a1,b2,c3");
  });

  test("and a stream of results go at the same time", async () => {
    await using p = await pair();
    const first = Promise.withResolvers<void>();
    const got: number[] = [];
    const numbers = async function* (): AsyncGenerator<number> {
      yield* [1, 2];
      // Were the results held back until the arguments end, this would never go on.
      await first.promise;
      yield* [3, 4, 5];
    };
    for await (const each of p.client.running(numbers())) {
      got.push(each);
      first.resolve();
    }
    expect(got).toEqual([1, 3, 6, 10, 15]);
  });

  test("is stopped when the method has enough", async () => {
    await using p = await pair();
    let ended = false;
    const endless = async function* (): AsyncGenerator<number> {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        ended = true;
      }
    };
    expect(await p.client.first(endless(), 3)).toEqual([0, 1, 2]);
    await expect.poll(() => ended).toBe(true);
  });

  test("waits for a method that does not take it", async () => {
    await using p = await pair();
    let taken = 0;
    const call = p.client.with({ timeoutMs: 300 }).never(upTo(1_000_000, (i) => (taken = i)));
    await expect(call).rejects.toMatchObject({ code: "ERR_DEADLINE" });
    expect(taken).toBeGreaterThan(1_000);
    expect(taken).toBeLessThan(60_000);
  });

  test("carries the caller's failure to the method, and back", async () => {
    await using p = await pair();
    const broken = async function* (): AsyncGenerator<number> {
      yield 1;
      throw new RangeError("no more numbers");
    };
    await expect(p.client.total(broken())).rejects.toThrow(/no more numbers/);
  });

  test("ends for the method when the caller vanishes", async () => {
    const seen: unknown[] = [];
    const target = {
      async take(numbers: AsyncIterable<number>): Promise<void> {
        try {
          for await (const each of numbers) seen.push(each);
        } catch (error) {
          seen.push((error as { code?: string }).code);
        }
      },
    };
    await using server = await serve(target, { drainMs: 100 });
    const client = connect<typeof target>(server.endpoint);
    const open = async function* (): AsyncGenerator<number> {
      yield 1;
      await sleep(10_000, undefined, { ref: false });
    };
    client.take(open()).catch(() => undefined);
    await expect.poll(() => seen).toEqual([1]);
    await client[Symbol.asyncDispose]();
    await expect.poll(() => seen).toEqual([1, "ERR_LOST_REMOTE"]);
  });

  test("a million small items go through without filling memory", async () => {
    await using p = await pair();
    const plain = function* (): Generator<number> {
      for (let i = 0; i < 1_000_000; i++) yield 1;
    };
    const before = process.memoryUsage().heapUsed;
    expect(await p.client.total(plain() as unknown as AsyncIterable<number>)).toBe(1_000_000);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(150_000_000);
  });
});

test("methods may have the names that functions have themselves", async () => {
  const target = {
    name: () => "n",
    length: () => 1,
    nested: { name: () => "inner", apply: () => "applied", bind: () => "bound" },
  };
  await using server = await serve(target);
  await using client = connect<typeof target>(server.endpoint);
  expect(await client.name()).toBe("n");
  expect(await client.length()).toBe(1);
  expect(await client.nested.name()).toBe("inner");
  expect(await client.nested.apply()).toBe("applied");
  expect(await client.nested.bind()).toBe("bound");
});
