import { setTimeout as sleep } from "node:timers/promises";
import { openPeers } from "@zeroplane/patterns";
import { connect, type EndpointSource, serve } from "@zeroplane/rpc";
import { expect, test } from "vitest";

const prices = (desk: string) => ({ price: () => desk });

test("calls go on while a server that is found by peers moves to another port", async () => {
  await using directory = await openPeers({ name: "directory" });
  await using server = await openPeers({ name: "server", sources: [directory.endpoint] });
  let serving = await serve(prices("old"));
  server.offer("prices", serving.endpoint);
  await using peers = await openPeers({ name: "client", sources: [directory.endpoint] });
  const source: EndpointSource = peers.endpoints("prices");
  await using client = connect<ReturnType<typeof prices>>(source, { timeoutMs: 5_000 });
  expect(await client.price()).toBe("old");
  const answers = new Map<string, number>();
  let asking = true;
  const asked = (async () => {
    for (; asking; await sleep(2)) {
      const answer = await client.price();
      answers.set(answer, (answers.get(answer) ?? 0) + 1);
    }
  })();
  const old = serving;
  serving = await serve(prices("new"));
  expect(serving.endpoint).not.toBe(old.endpoint);
  server.offer("prices", serving.endpoint);
  await expect.poll(() => answers.get("new") ?? 0).toBeGreaterThan(10);
  await old[Symbol.asyncDispose]();
  const before = answers.get("new") ?? 0;
  await expect.poll(() => answers.get("new") ?? 0).toBeGreaterThan(before + 10);
  asking = false;
  await asked;
  await serving[Symbol.asyncDispose]();
});

test("a server that is gone and back elsewhere, as another life of it, is called there", async () => {
  await using peers = await openPeers({ name: "client" });
  await using client = connect<ReturnType<typeof prices>>(peers.endpoints("prices"), {
    timeoutMs: 10_000,
  });
  for (const life of ["first", "second"]) {
    await using serving = await serve(prices(life));
    const offers = { prices: serving.endpoint };
    await using _server = await openPeers({ name: "server", offers, sources: [peers.endpoint] });
    // A call that is made while nobody is there waits, and is answered by whoever comes.
    expect(await client.price()).toBe(life);
  }
});
