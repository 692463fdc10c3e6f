import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { nobody } from "../testing/nobody.ts";
import { collectPipe } from "./collector.ts";
import { openPipe } from "./pipe.ts";
import { Senders } from "./senders.ts";

test("what is pushed before the collector is there arrives when it is", async () => {
  const endpoint = await nobody();
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
  expect(collector.stats()).toEqual([
    { node: "sender", received: 100, lost: 0, dropped: 0, before: 0, repeated: 0 },
  ]);
});

test("without room the oldest of the lowest rank goes, and the collector is told how many", async () => {
  const endpoint = await nobody();
  await using pipe = openPipe(endpoint, { bytesMax: 50 * (20 + 64) });
  for (let i = 0; i < 20; i++) pipe.push("error", Buffer.alloc(20, i), { rank: 3 });
  for (let i = 0; i < 100; i++) pipe.push("ok", Buffer.alloc(20, i));
  expect(pipe.stats().waitingBytes).toBeLessThanOrEqual(50 * 84);
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

test("a kind that is too long is refused, and what is pushed after the end is counted", async () => {
  const pipe = openPipe("tcp://127.0.0.1:1");
  expect(() => pipe.push("k".repeat(256), Buffer.alloc(1))).toThrow(/has 256 characters/);
  await pipe.close();
  pipe.push("late", Buffer.alloc(1), { rank: 1 });
  expect(pipe.stats().dropped).toEqual([0, 1, 0, 0]);
});

test("what the old connection brings after the new one is not lost, what comes twice is said", () => {
  const senders = new Senders();
  const head = { node: "n", boot: 7, dropped: 0 };
  expect(senders.received({ ...head, seq: 11 }, 10)).toBe(0);
  expect(senders.received({ ...head, seq: 31 }, 10)).toBe(10);
  senders.received({ ...head, seq: 21 }, 5);
  senders.received({ ...head, seq: 21 }, 5);
  senders.received({ ...head, seq: 1 }, 4);
  const counts = { received: 29, lost: 5, before: 6, repeated: 5, dropped: 0 };
  expect(senders.stats()).toEqual([{ node: "n", ...counts }]);
});

test("while a collector has no room nothing is taken: the sender keeps, and nothing is lost", async () => {
  const room = Promise.withResolvers<void>();
  const got: number[] = [];
  await using collector = await collectPipe({
    room: () => room.promise,
    onMessage: (_head, body) => void got.push(body.readUInt32BE()),
  });
  await using pipe = openPipe(`tcp://127.0.0.1:${collector.port}`, {
    node: "sender",
    bytesMax: 64 * 1024 * 1024,
  });
  const body = Buffer.alloc(100_000);
  for (let i = 0; i < 300; i++) {
    body.writeUInt32BE(i);
    pipe.push("n", Buffer.from(body));
    await sleep(0);
  }
  await sleep(300);
  expect(got).toEqual([]);
  expect(pipe.stats().waiting).toBeGreaterThan(0);
  room.resolve();
  await expect.poll(() => got.length, { timeout: 10_000 }).toBe(300);
  expect(got).toEqual(Array.from({ length: 300 }, (_, i) => i));
  expect(collector.stats()).toMatchObject([{ received: 300, lost: 0, dropped: 0 }]);
});
