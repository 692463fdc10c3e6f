import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { connect, currentCall, type Server, serve } from "./index.ts";

const DEAD = "tcp://127.0.0.1:9";

class Worker {
  readonly name: string;
  calls = 0;
  constructor(name: string) {
    this.name = name;
  }
  who(): string {
    this.calls++;
    return this.name;
  }
  async wait(ms: number): Promise<string> {
    this.calls++;
    await sleep(ms, undefined, { signal: currentCall()?.signal as AbortSignal });
    return this.name;
  }
  async *count(to: number): AsyncGenerator<number> {
    this.calls++;
    for (let i = 0; i < to; i++) yield i;
  }
}

interface Some {
  readonly all: readonly Worker[];
  readonly servers: readonly Server[];
  readonly endpoints: readonly string[];
  [Symbol.asyncDispose](): Promise<void>;
}

const workers = (...names: string[]): Promise<Some> =>
  serveAll(names.map((name) => new Worker(name)));

async function serveAll(all: readonly Worker[]): Promise<Some> {
  const servers = await Promise.all(all.map((each) => serve(each, { node: each.name })));
  return {
    all,
    servers,
    endpoints: servers.map(({ endpoint }) => endpoint),
    [Symbol.asyncDispose]: async () => {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

describe("a client of many endpoints", () => {
  test("spreads calls over those that are up, and skips one that is not", async () => {
    await using some = await workers("a", "b");
    await using client = connect<Worker>([DEAD, ...some.endpoints]);
    await client.who();
    await sleep(50);
    const names = await Promise.all(Array.from({ length: 100 }, () => client.who()));
    expect(names.filter((name) => name === "a").length).toBeGreaterThan(30);
    expect(names.filter((name) => name === "b").length).toBeGreaterThan(30);
  });

  test("gives the one that is slow fewer calls", async () => {
    await using some = await workers("slow", "quick");
    await using client = connect<Worker>(some.endpoints);
    await Promise.all(some.endpoints.map((to) => client.with({ to }).who()));
    const slow = Array.from({ length: 20 }, () => client.with({ to: "slow" }).wait(300));
    const names = await Promise.all(Array.from({ length: 10 }, () => client.who()));
    expect(names).toEqual(Array.from({ length: 10 }, () => "quick"));
    await Promise.all(slow);
  });

  test("goes on without a failed call when one of them shuts down", async () => {
    await using some = await workers("a", "b");
    await using client = connect<Worker>(some.endpoints);
    await Promise.all(some.endpoints.map((to) => client.with({ to }).who()));
    const answers: Promise<string>[] = [];
    for (let i = 0; i < 60; i++) {
      answers.push(client.wait(10));
      if (i === 20) void some.servers[0]?.close();
      await sleep(2);
    }
    const names = await Promise.all(answers);
    expect(names.length).toBe(60);
    expect(names.slice(40)).toEqual(Array.from({ length: 20 }, () => "b"));
  });

  test("of one endpoint waits for its next server without a failed call", async () => {
    const first = await serve(new Worker("first"));
    await using client = connect<Worker>(first.endpoint);
    expect(await client.who()).toBe("first");
    await first.close();
    const answer = client.who();
    await sleep(50);
    await using _second = await serve(new Worker("second"), { bind: first.endpoint });
    expect(await answer).toBe("second");
  });

  test("may name the one that is meant", async () => {
    await using some = await workers("a", "b");
    await using client = connect<Worker>(some.endpoints);
    for (const name of ["a", "b", "a"]) expect(await client.with({ to: name }).who()).toBe(name);
    const nobody = client.with({ to: "c", timeoutMs: 60 }).who();
    await expect(nobody).rejects.toMatchObject({ code: "ERR_UNAVAILABLE" });
  });

  test("follows a source of endpoints, and lets open calls end where they are", async () => {
    await using some = await workers("a", "b");
    const [a, b] = some.endpoints as [string, string];
    const { promise: moved, resolve: move } = Promise.withResolvers<void>();
    async function* source(): AsyncGenerator<readonly string[]> {
      yield [a];
      await moved;
      yield [b];
    }
    await using client = connect<Worker>(source());
    expect(await client.who()).toBe("a");
    const open = client.wait(100);
    move();
    await expect.poll(() => client.who()).toBe("b");
    expect(await open).toBe("a");
  });

  test("says who does not answer, and why it does not", async () => {
    await using client = connect<Worker>([DEAD, "tcp://127.0.0.1:10"], { timeoutMs: 60 });
    const error: unknown = await client.who().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "ERR_UNAVAILABLE", retryable: true });
    expect(String(error)).toContain("tcp://127.0.0.1:9, tcp://127.0.0.1:10");
  });

  test("cancels a call that still waits for somebody", async () => {
    await using client = connect<Worker>(DEAD, { signal: AbortSignal.timeout(20) });
    await expect(client.who()).rejects.toThrow(/timeout/);
  });
});

describe("a call that failed", () => {
  test("is made again elsewhere when it surely did not happen", async () => {
    const [full, free] = [new Worker("full"), new Worker("free")];
    await using one = await serve(full, { callsMax: 1, node: "full" });
    await using two = await serve(free, { node: "free" });
    await using client = connect<Worker>([one.endpoint, two.endpoint]);
    await Promise.all([one, two].map(({ endpoint }) => client.with({ to: endpoint }).who()));
    const taken = client.with({ to: "full" }).wait(200);
    await expect.poll(() => full.calls).toBe(2);
    const busy = Array.from({ length: 3 }, () => client.with({ to: "free" }).wait(200));
    // The full one has fewer calls open: it is asked first, and refuses.
    expect(await client.who()).toBe("free");
    await Promise.all([taken, ...busy]);
  });

  test("is not made again when it may have happened, unless that does no harm", async () => {
    for (const idempotent of [false, true]) {
      const first = new Worker("first");
      const server = await serve(first, { drainMs: 0 });
      await using client = connect<Worker>(server.endpoint, { idempotent });
      const answer = client.wait(5_000);
      answer.catch(() => undefined);
      await expect.poll(() => first.calls).toBe(1);
      await server.close();
      const second = new Worker("second");
      await using _next = await serve(second, { bind: server.endpoint });
      if (idempotent) await expect.poll(() => second.calls).toBe(1);
      else await expect(answer).rejects.toMatchObject({ code: "ERR_LOST_REMOTE" });
    }
  });

  test("is given up after so many attempts", async () => {
    const full = new Worker("full");
    await using server = await serve(full, { callsMax: 1 });
    await using client = connect<Worker>(server.endpoint, { retry: { max: 3, backoffMs: 1 } });
    const taken = client.wait(300);
    await expect.poll(() => full.calls).toBe(1);
    await expect(client.who()).rejects.toMatchObject({ code: "ERR_OVERLOADED" });
    expect(full.calls).toBe(1);
    expect(await taken).toBe("full");
    await using eager = connect<Worker>(server.endpoint, { retry: { max: 9, backoffMs: 30 } });
    const again = client.wait(60);
    expect(await eager.who()).toBe("full");
    await again;
  });
});

describe("a hedged call", () => {
  test("is made once more elsewhere when it takes long, and the first answer counts", async () => {
    class Slow extends Worker {
      override wait(): Promise<string> {
        return super.wait(2_000);
      }
    }
    await using some = await serveAll([new Slow("slow"), new Worker("quick")]);
    const [, quick] = some.all as [Worker, Worker];
    await using client = connect<Worker>(some.endpoints, {
      idempotent: true,
      hedge: { afterMs: 100 },
    });
    // Not by the client itself: it would hedge this as well, and the second call might come later.
    await using other = connect<Worker>(some.endpoints);
    await Promise.all(some.endpoints.map((to) => other.with({ to }).who()));
    const before = quick.calls;
    const names = [await client.wait(1), await client.wait(1)];
    expect(names).toEqual(["quick", "quick"]);
    expect(quick.calls - before).toBe(2);
    await expect.poll(() => some.servers[0]?.running(), { timeout: 5_000 }).toBe(0);
  });

  test("is refused for what is not idempotent", () => {
    expect(() => connect<Worker>(DEAD, { hedge: { afterMs: 1 } })).toThrow(/idempotent/);
  });
});
