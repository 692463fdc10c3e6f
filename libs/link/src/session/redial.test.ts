import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { expect, test } from "vitest";
import { dial } from "./dial.ts";
import { listen } from "./listener.ts";

test("a stranger on the port for a moment does not end the dialling", {
  timeout: 40_000,
}, async () => {
  // A ZMTP 3 greeting of a mechanism that nobody speaks: a protocol error for the dialer.
  const greeting = Buffer.alloc(64);
  greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0]);
  greeting.write("NOBODY", 12);
  const stranger = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.resume();
    socket.write(greeting);
  });
  stranger.listen(0, "127.0.0.1");
  await once(stranger, "listening");
  const endpoint = `tcp://127.0.0.1:${(stranger.address() as AddressInfo).port}`;
  await using session = dial(endpoint);
  await once(stranger, "connection");
  await expect(session.ready(300)).rejects.toThrow(/nobody answers/);
  stranger.close();
  await once(stranger, "close");
  await using listener = await listen(endpoint);
  await session.ready(30_000);
  expect(listener.stats().sessions).toBe(1);
});
