import { setTimeout as sleep } from "node:timers/promises";
import fastify, { type FastifyInstance } from "fastify";
import { describe, expect, test } from "vitest";
import { currentCall, type StandardSchema } from "../index.ts";
import { rpcHttp } from "./index.ts";

interface Order {
  item: string;
  /** How many; at least one. */
  count: number;
}

/** Sells things. */
class Shop {
  stopped = 0;
  aborted: unknown;

  /**
   * Takes an order.
   * @param order what is wanted
   * @param note for the cook
   */
  async order(order: Order, note = "none"): Promise<{ line: string; trace: string | undefined }> {
    return {
      line: `${order.count} ${order.item} (${note})`,
      trace: currentCall()?.headers["traceparent"],
    };
  }
  sum(...numbers: number[]): number {
    return numbers.reduce((a, b) => a + b, 0);
  }
  nothing(): void {}
  /** Ticks. */
  async *ticks(to: number): AsyncGenerator<{ i: number }> {
    try {
      for (let i = 0; i < to; i++) {
        await sleep(1);
        yield { i };
      }
      if (to === 3) throw new RangeError("three is too many");
    } finally {
      this.stopped++;
    }
  }
  async slow(ms: number): Promise<void> {
    try {
      await sleep(ms, undefined, { signal: currentCall()?.signal as AbortSignal });
    } catch (error) {
      this.aborted = currentCall()?.signal.reason;
      throw error;
    }
  }
  broken(): never {
    throw Object.assign(new Error("no stock"), { code: "OUT_OF_STOCK", data: { left: 0 } });
  }
}

const even: StandardSchema = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      (value as number[]).every((each) => each % 2 === 0)
        ? { value }
        : { issues: [{ message: "odd", path: [0] }] },
  },
};

async function shop(): Promise<{
  readonly app: FastifyInstance;
  readonly shop: Shop;
  readonly url: string;
  [Symbol.asyncDispose](): Promise<void>;
}> {
  const target = new Shop();
  const app = fastify();
  await app.register(rpcHttp, { target, prefix: "/shop", methods: { sum: { schema: even } } });
  const url = `${await app.listen({ port: 0, host: "127.0.0.1" })}/shop`;
  return { app, shop: target, url, [Symbol.asyncDispose]: async () => app.close() };
}

async function post(
  url: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(url, {
    method: "POST",
    headers: { ...(body !== undefined && { "content-type": "application/json" }), ...headers },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
}

describe("an object over HTTP", () => {
  test("takes arguments by name or in order, and gives JSON", async () => {
    await using s = await shop();
    const order = { item: "tea", count: 2 };
    const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    const named = await post(`${s.url}/order`, { order, note: "hot" }, { traceparent });
    expect(await named.json()).toEqual({ line: "2 tea (hot)", trace: traceparent });
    const ordered = await post(`${s.url}/order`, [order]);
    expect(await ordered.json()).toEqual({ line: "2 tea (none)" });
    expect(await (await post(`${s.url}/sum`, { numbers: [2, 4] })).json()).toBe(6);
    expect((await post(`${s.url}/nothing`)).status).toBe(204);
  });

  test("says what is wrong as a problem", async () => {
    await using s = await shop();
    const cases = [
      ["ordr", {}, 404, "ERR_NO_METHOD", /did you mean order/],
      [
        "order",
        { ordr: 1 },
        400,
        "ERR_INVALID_ARGUMENTS",
        /no parameter ordr; it takes order, note/,
      ],
      ["order", {}, 400, "ERR_INVALID_ARGUMENTS", /missing order/],
      ["order", 7, 400, "ERR_INVALID_ARGUMENTS", /neither an object/],
      ["sum", [3], 400, "ERR_INVALID_ARGUMENTS", /0: odd/],
      ["broken", {}, 500, "OUT_OF_STOCK", /no stock/],
    ] as const;
    for (const [method, body, status, code, detail] of cases) {
      const answer = await post(`${s.url}/${method}`, body);
      expect(answer.headers.get("content-type")).toContain("application/problem+json");
      const problem = (await answer.json()) as { detail: string };
      expect([answer.status, problem]).toMatchObject([status, { status, code }]);
      expect(problem.detail).toMatch(detail);
      expect(JSON.stringify(problem)).not.toContain(".ts:");
    }
    const headers = { "content-type": "application/json" };
    const garbage = await fetch(`${s.url}/sum`, { method: "POST", headers, body: "{" });
    expect([garbage.status, await garbage.json()]).toMatchObject([400, { status: 400 }]);
  });

  test("streams lines of JSON, and events when they are asked for", async () => {
    await using s = await shop();
    const lines = await (await post(`${s.url}/ticks`, [2])).text();
    expect(lines).toBe('{"i":0}\n{"i":1}\n');
    const events = await post(`${s.url}/ticks`, [1], { accept: "text/event-stream" });
    expect(events.headers.get("content-type")).toContain("text/event-stream");
    expect(await events.text()).toBe('data: {"i":0}\n\nevent: end\ndata:\n\n');
    const failed = (await (await post(`${s.url}/ticks`, [3])).text()).trim().split("\n");
    expect(failed.length).toBe(4);
    expect(JSON.parse(failed[3] ?? "")).toMatchObject({ problem: { title: "RangeError" } });
  });

  test("cancels the call when its client goes away, and ends its generator", async () => {
    await using s = await shop();
    const abort = new AbortController();
    const gone = fetch(`${s.url}/slow`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: "[5000]",
      signal: abort.signal,
    });
    await sleep(100);
    abort.abort();
    await expect(gone).rejects.toThrow();
    await expect.poll(() => s.shop.aborted).toMatchObject({ code: "ERR_CANCELLED" });
    const stream = await post(`${s.url}/ticks`, [100_000]);
    await stream.body?.cancel();
    await expect.poll(() => s.shop.stopped, { timeout: 5_000 }).toBe(1);
  });

  test("gives up when the time that the request allows is over", async () => {
    await using s = await shop();
    const answer = await post(`${s.url}/slow`, [5_000], { prefer: "respond-async, wait=1" });
    expect([answer.status, await answer.json()]).toMatchObject([504, { code: "ERR_DEADLINE" }]);
    await expect.poll(() => s.shop.aborted).toMatchObject({ code: "ERR_DEADLINE" });
  });

  test("describes itself as OpenAPI, with every type that it names", async () => {
    await using s = await shop();
    const document = (await (await fetch(`${s.url}/openapi.json`)).json()) as {
      readonly openapi: string;
      readonly servers: unknown;
      readonly paths: Record<
        string,
        { post: { summary: string; requestBody: unknown; responses: unknown } }
      >;
      readonly components: { schemas: Record<string, unknown> };
    };
    expect(document.openapi).toBe("3.1.0");
    expect(document.servers).toEqual([{ url: "/shop" }]);
    expect(Object.keys(document.paths)).toContain("/order");
    expect(document.paths["/order"]?.post.summary).toBe("Takes an order.");
    expect(document.components.schemas["Order"]).toMatchObject({
      properties: { count: { type: "number" }, item: { type: "string" } },
    });
    expect(JSON.stringify(document)).toContain("#/components/schemas/Order");
    expect(JSON.stringify(document)).not.toContain("#/$defs");
    expect(JSON.stringify(document.paths["/ticks"])).toContain("text/event-stream");
  });
});
