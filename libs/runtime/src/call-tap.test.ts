import { connect, serve } from "@zeroplane/rpc";
import { expect, test } from "vitest";
import { CallMeter } from "./call-meter.ts";
import { tapCalls } from "./call-tap.ts";

const sums = {
  add: (a: number, b: number): number => a + b,
  fail: (): never => {
    throw new RangeError("no");
  },
};

test("what a slow reader misses is counted", async () => {
  await using server = await serve(sums, { name: "sums" });
  await using client = connect<typeof sums>(server.endpoint);
  const tapped = tapCalls({ method: "add" });
  const first = tapped.next();
  await client.add(1, 2);
  expect((await first).value).toMatchObject({ method: "sums.add", dropped: 0 });
  await Promise.all(Array.from({ length: 1_100 }, () => client.add(1, 2)));
  for (let taken = 0; taken < 1_024; taken++) await tapped.next();
  const next = tapped.next();
  await client.add(1, 2);
  const { value } = await next;
  expect(value).toMatchObject({ dropped: 1_100 - 1_024 });
  await tapped.return();
});

test("calls are counted from the first question on", async () => {
  await using server = await serve(sums, { name: "sums" });
  await using client = connect<typeof sums>(server.endpoint);
  await client.add(1, 2);
  const meter = new CallMeter();
  expect(meter.read()).toEqual([]);
  await client.add(1, 2);
  await client.fail().catch(() => undefined);
  const found = Object.fromEntries(meter.read().map((each) => [each.method, each]));
  expect(found["sums.add"]).toMatchObject({ calls: 1, failed: 0 });
  expect(found["sums.fail"]).toMatchObject({ calls: 1, failed: 1 });
  expect(found["sums.add"]!.bytesOut).toBeGreaterThan(0);
});
