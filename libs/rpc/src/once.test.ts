import { setTimeout as sleep } from "node:timers/promises";
import { dial, listen } from "@zeroplane/link";
import { describe, expect, test } from "vitest";
import { connect, expose, serve } from "./index.ts";
import { ReplyCache } from "./reply-cache.ts";

class Till {
  booked = 0;
  async book(amount: number, ms = 0): Promise<number> {
    await sleep(ms);
    this.booked += amount;
    return this.booked;
  }
  async *each(): AsyncGenerator<number> {
    yield 1;
  }
}

describe("a call made with once", () => {
  test("is answered again, and not run again, when its session was lost with it", async () => {
    const till = new Till();
    // A listener that forgets a session at once when its line is lost: what a long absence does.
    await using listener = await listen("tcp://127.0.0.1:*", { resumeMs: 0 });
    await using _server = expose(till, listener);
    await using client = connect<Till>(listener.endpoint, { once: true, retry: 5 });
    await client.book(0);
    const answer = client.book(10, 150);
    await sleep(50);
    listener.sessions()[0]?.end();
    expect(await answer).toBe(10);
    expect(till.booked).toBe(10);
    expect(await client.book(5)).toBe(15);
  });

  test("is not run by another process than the one that may have run it", async () => {
    const till = new Till();
    await using server = await serve(till);
    const headers = { "once-of": "a process that is gone" };
    await using client = connect<Till>(server.endpoint, { once: true, headers });
    await expect(client.book(10)).rejects.toMatchObject({ code: "ERR_LOST_REMOTE" });
    expect(till.booked).toBe(0);
  });

  test("shares the run with the one that is going on", async () => {
    const till = new Till();
    await using server = await serve(till);
    await using session = dial(server.endpoint);
    await using client = connect<Till>(session);
    const same = client.with({ headers: { once: "the same" } });
    expect(await Promise.all([same.book(3, 50), same.book(3, 50)])).toEqual([3, 3]);
    expect(await same.book(3)).toBe(3);
    expect(till.booked).toBe(3);
  });

  test("cannot give a stream", async () => {
    await using server = await serve(new Till());
    await using client = connect<Till>(server.endpoint, { once: true });
    await expect(Promise.resolve(client.each())).rejects.toMatchObject({
      code: "ERR_INVALID_RESULT",
    });
  });
});

test("answers are kept for their time, as many as there is room for, and never those of a run", async () => {
  const cache = new ReplyCache({ ttlMs: 100, max: 2 });
  let runs = 0;
  const run = async (): Promise<number> => ++runs;
  const { promise, resolve } = Promise.withResolvers<void>();
  const long = cache.answer("long", performance.now(), () => promise);
  await cache.answer("a", performance.now(), run);
  expect(await cache.answer("a", performance.now(), run)).toEqual({ value: 1 });
  await cache.answer("b", performance.now(), run);
  await cache.answer("c", performance.now(), run);
  expect(cache.size).toBeLessThanOrEqual(3);
  expect(await cache.answer("a", performance.now() + 1_000, run)).toEqual({ value: 4 });
  resolve();
  expect(await long).toEqual({ value: undefined });
});
