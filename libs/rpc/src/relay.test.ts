import { listen, relay } from "@zeroplane/link";
import { expect, test } from "vitest";
import { connect, currentCall, serve } from "./index.ts";

class Prices {
  async *watch(to: number): AsyncGenerator<number> {
    for (let i = 0; i < to; i++) yield i;
  }
  who(): string | undefined {
    return currentCall()?.peer.via[0]?.node;
  }
}

test("a broker is a relay: the same client, the same server, and the caller is known", async () => {
  await using one = await serve(new Prices());
  await using two = await serve(new Prices());
  await using front = await listen("tcp://127.0.0.1:*");
  await using broker = relay(front, { to: [one.endpoint, two.endpoint] });
  const clients = ["a", "b", "c", "d"].map((node) => connect<Prices>(front.endpoint, { node }));
  expect(await Promise.all(clients.map((client) => client.who()))).toEqual(["a", "b", "c", "d"]);
  const items = await Promise.all(clients.map((client) => Array.fromAsync(client.watch(500))));
  expect(items.map(({ length }) => length)).toEqual([500, 500, 500, 500]);
  expect(broker.stats().sessions).toBe(4);
  await Promise.all(clients.map((client) => client[Symbol.asyncDispose]()));
});

test("a call through a broker fails like any other when the server behind it is gone", async () => {
  const server = await serve(new Prices(), { drainMs: 0 });
  await using front = await listen("tcp://127.0.0.1:*");
  await using _broker = relay(front, { to: [server.endpoint] });
  await using client = connect<Prices>(front.endpoint, { timeoutMs: 1_500 });
  await client.who();
  await server.close();
  await expect(client.who()).rejects.toMatchObject({ name: "RpcError" });
  await using _next = await serve(new Prices(), { bind: server.endpoint });
  await expect
    .poll(() => client.who().catch(() => "not yet"), { timeout: 10_000 })
    .not.toBe("not yet");
});
