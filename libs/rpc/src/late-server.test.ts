import { listen } from "@zeroplane/link";
import { expect, test } from "vitest";
import { connect, expose } from "./index.ts";

const sums = { add: (a: number, b: number): number => a + b };

test("calls that came before anybody served are answered by a listener that was held", async () => {
  await using listener = await listen("tcp://127.0.0.1:*", { held: true });
  await using client = connect<typeof sums>(listener.endpoint, { dialect: "zp1" });
  const early = client.add(1, 2);
  await expect(client.with({ timeoutMs: 300 }).add(3, 4)).rejects.toThrow(/nobody answers/);
  await using _server = expose(sums, listener);
  listener.open();
  listener.open();
  expect(await early).toBe(3);
});

test("a server that came too late to hear the names is told them again", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  await using client = connect<typeof sums>(listener.endpoint, { dialect: "zp1" });
  // Nobody takes calls yet: the record with the name is refused, as the call is.
  await expect(client.with({ timeoutMs: 300 }).add(1, 2)).rejects.toThrow(/no answer/);
  await using _server = expose(sums, listener);
  expect(await Promise.all([client.add(1, 2), client.add(3, 4)])).toEqual([3, 7]);
});
