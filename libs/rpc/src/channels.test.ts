import { tracingChannel } from "node:diagnostics_channel";
import { expect, test } from "vitest";
import { connect, serve } from "./index.ts";

class Sums {
  add(a: number, b: number): number {
    return a + b;
  }
  fail(): never {
    throw new RangeError("no");
  }
}

test("every call of a process can be watched from outside, on both sides", async () => {
  const seen: string[] = [];
  const watch = (side: string): (() => unknown) => {
    const channel = tracingChannel<string, { operation: { name: string }; error?: Error }>(
      `zeroplane.rpc.${side}`,
    );
    const handlers = {
      start: ({ operation }: { operation: { name: string } }) =>
        seen.push(`${side} start ${operation.name}`),
      asyncEnd: ({ error }: { error?: Error }) =>
        seen.push(`${side} end ${error?.message.split("\n")[0] ?? "well"}`),
    };
    channel.subscribe(handlers as never);
    return () => channel.unsubscribe(handlers as never);
  };
  await using server = await serve(new Sums());
  await using client = connect<Sums>(server.endpoint);
  await client.add(1, 1);
  expect(seen).toEqual([]);
  const stops = [watch("client"), watch("server")];
  expect(await client.add(1, 2)).toBe(3);
  await expect.poll(() => seen.length).toBe(4);
  await expect(client.fail()).rejects.toThrow("no");
  await expect.poll(() => seen.length).toBe(8);
  for (const stop of stops) stop();
  await client.add(1, 1);
  const of = (side: string): string[] => seen.filter((line) => line.startsWith(side));
  expect(of("client")).toEqual([
    "client start add",
    "client end well",
    "client start fail",
    "client end no",
  ]);
  expect(of("server")).toEqual([
    "server start Sums.add",
    "server end well",
    "server start Sums.fail",
    "server end no",
  ]);
});
