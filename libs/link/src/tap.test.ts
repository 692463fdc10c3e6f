import { describe, expect, test } from "vitest";
import { dial } from "./session/dial.ts";
import { listen } from "./session/listener.ts";
import { type TapOptions, type TappedRecord, tap, taps } from "./tap.ts";

/** An echo of 100 records, watched; resolves when all of them are back. */
async function traffic(): Promise<void> {
  await using listener = await listen("tcp://127.0.0.1:*", { node: "server" });
  listener.accept(1, (session) => ({ receive: (body) => session.send(1, Buffer.from(body)) }));
  await using session = dial(listener.endpoint, { node: "client" });
  const { promise, resolve } = Promise.withResolvers<void>();
  let back = 0;
  session.attach(1, { receive: () => (++back === 100 ? resolve() : undefined) });
  for (let i = 0; i < 100; i++) session.send(1, Buffer.from(`record ${i}`));
  await promise;
}

async function watched(options: TapOptions): Promise<TappedRecord[]> {
  const watch = tap(options);
  await traffic();
  watch[Symbol.dispose]();
  return Array.fromAsync(watch);
}

describe("a tap", () => {
  test("sees every record of both directions, in order", async () => {
    const records = await watched({});
    expect(records.length).toBe(400);
    const sent = records.filter(
      ({ direction, peer }) => direction === "out" && peer.node !== "client",
    );
    expect(sent.map(({ body }) => String(body))).toEqual(
      Array.from({ length: 100 }, (_, i) => `record ${i}`),
    );
    expect(taps.size).toBe(0);
  });

  test("sees only what was asked for", async () => {
    const peer = ({ node }: { readonly node: string }): boolean => node === "client";
    const records = await watched({ direction: "in", peer, bodyBytesMax: 6 });
    expect(records.length).toBe(100);
    expect(records[0]).toMatchObject({ direction: "in", verb: 1, sizeBytes: 8 });
    expect(String(records[0]?.body)).toBe("record");
    expect(await watched({ verb: 2 })).toEqual([]);
  });

  test("takes an even sample", async () => {
    expect((await watched({ sample: 0.1 })).length).toBe(40);
    expect(() => tap({ sample: 0 })).toThrow(/share above 0/);
  });

  test("drops and counts when its reader is slow, and the line goes on", async () => {
    const watch = tap({ recordsMax: 10 });
    await traffic();
    expect(watch.stats()).toEqual({ seen: 400, dropped: 390, waiting: 10 });
    const reader = watch[Symbol.asyncIterator]();
    await reader.next();
    await traffic();
    for (let i = 0; i < 9; i++) await reader.next();
    const { value } = await reader.next();
    expect(value?.dropped).toBe(390);
    watch[Symbol.dispose]();
  });
});
