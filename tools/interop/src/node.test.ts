import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { connect, serve } from "@zeroplane/rpc";
import { probe } from "@zeroplane/rpc/zerorpc";
import { describe, expect, test } from "vitest";

class Shop {
  /** Adds. */
  add(a: number, b: number): number {
    return a + b;
  }
  echo(value: unknown): unknown {
    return value;
  }
  fail(message: string): never {
    throw new RangeError(message);
  }
  async slow(ms: number): Promise<number> {
    await new Promise((resolve) => setTimeout(resolve, ms));
    return ms;
  }
  *range(n: number): Generator<number> {
    for (let i = 0; i < n; i++) yield i;
  }
}

const HEARTBEAT_MS = 300;
const peer = (...args: string[]): ChildProcess =>
  spawn(process.execPath, [fileURLToPath(import.meta.resolve("./peer.ts")), ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });

async function lines(child: ChildProcess): Promise<unknown[]> {
  const read: unknown[] = [];
  for await (const line of createInterface({ input: child.stdout! })) read.push(JSON.parse(line));
  return read;
}

async function freeEndpoint(): Promise<string> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  return `tcp://127.0.0.1:${port}`;
}

describe("zerorpc-node", () => {
  test("calls our server", async () => {
    await using server = await serve(new Shop(), { zerorpc: { heartbeatMs: HEARTBEAT_MS } });
    const calls = [
      ["add", 1, 2],
      ["echo", [null, "é", { a: 1.5 }]],
      ["range", 5_000],
      ["range", 0],
      ["fail", "no"],
      ["toString"],
      ["slow", 4 * HEARTBEAT_MS],
      ["_zerorpc_ping"],
    ];
    const child = peer("call", server.endpoint, `${HEARTBEAT_MS}`, JSON.stringify(calls));
    expect(await lines(child)).toEqual([
      { value: 3 },
      { value: [null, "é", { a: 1.5 }] },
      { items: 5_000 },
      {},
      { error: "RangeError: no" },
      { error: "NameError: toString" },
      { value: 4 * HEARTBEAT_MS },
      { value: ["pong", "Shop"] },
    ]);
  });

  test("is called by our client, which finds out by itself", async () => {
    const endpoint = await freeEndpoint();
    const child = peer("serve", endpoint, `${HEARTBEAT_MS}`);
    const timeoutMs = 10_000;
    await using client = connect<Shop>(endpoint, { heartbeatMs: HEARTBEAT_MS, timeoutMs });
    try {
      expect(await probe(endpoint, { signal: AbortSignal.timeout(timeoutMs) })).toBe("zerorpc");
      expect(await client.add(1, 2)).toBe(3);
      const items: number[] = [];
      for await (const item of client.range(5_000)) items.push(item);
      expect(items).toEqual(Array.from({ length: 5_000 }, (_, i) => i));
      await expect(client.fail("no")).rejects.toMatchObject({ name: "RangeError", message: "no" });
      expect(await client.slow(4 * HEARTBEAT_MS)).toBe(4 * HEARTBEAT_MS);
      const lost = client.slow(60_000);
      lost.catch(() => undefined);
      child.kill();
      await expect(lost).rejects.toMatchObject({ code: "ERR_LOST_REMOTE" });
    } finally {
      child.kill();
    }
  });
});
