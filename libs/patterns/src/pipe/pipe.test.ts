import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { collectPipe } from "./collector.ts";
import { openPipe } from "./pipe.ts";

test("what is pushed before the collector is there arrives when it is", async () => {
  const first = await collectPipe({ onMessage: () => undefined });
  const endpoint = `tcp://127.0.0.1:${first.port}`;
  await first.close();
  await using pipe = openPipe(endpoint, { node: "sender" });
  for (let i = 0; i < 100; i++) pipe.push("n", Buffer.from([i]));
  await sleep(50);
  const got: number[] = [];
  await using collector = await collectPipe({
    bind: endpoint,
    onMessage: (head, body) => {
      expect(head).toMatchObject({ node: "sender", kind: "n" });
      got.push(body[0] ?? -1);
    },
  });
  await expect.poll(() => got.length, { timeout: 5_000 }).toBe(100);
  expect(got).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(collector.stats()).toMatchObject([{ node: "sender", received: 100, lost: 0, before: 0 }]);
});

test("without room the oldest of the lowest rank goes, and the collector is told how many", async () => {
  await using closed = await collectPipe({ onMessage: () => undefined });
  const endpoint = `tcp://127.0.0.1:${closed.port}`;
  await closed.close();
  await using pipe = openPipe(endpoint, { bytesMax: 1_000 });
  for (let i = 0; i < 20; i++) pipe.push("error", Buffer.alloc(20, i), { rank: 3 });
  for (let i = 0; i < 100; i++) pipe.push("ok", Buffer.alloc(20, i));
  expect(pipe.stats().waitingBytes).toBeLessThanOrEqual(1_000);
  const kinds: string[] = [];
  let holes = 0;
  await using collector = await collectPipe({
    bind: endpoint,
    onMessage: ({ kind }) => kinds.push(kind),
    onHole: (_head, count) => {
      holes += count;
    },
  });
  await expect.poll(() => kinds.length, { timeout: 5_000 }).toBe(50);
  expect(kinds.filter((kind) => kind === "error")).toHaveLength(20);
  expect(holes).toBe(70);
  expect(collector.stats()).toMatchObject([{ lost: 0, dropped: 70 }]);
});
