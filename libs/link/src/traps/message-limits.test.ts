import { expect, test } from "vitest";
import * as zmq from "zeromq";
import { SafeSocket } from "../safe-socket.ts";
import { outcome, run, Sockets } from "./fixtures/raw.ts";

const frames = (count: number, bytes: number): Buffer[] =>
  Array.from({ length: count }, () => Buffer.alloc(bytes));

test("trap 21, limits are for a frame: raw, a message of many frames passes any of them", async () => {
  using sockets = new Sockets();
  const pull = sockets.add(new zmq.Pull({ maxMessageSize: 1_000 }));
  const push = sockets.add(new zmq.Push({ linger: 0 }));
  await pull.bind("tcp://127.0.0.1:*");
  push.connect(pull.lastEndpoint ?? "");
  await push.send(frames(2_000, 900));
  expect(await pull.receive()).toHaveLength(2_000);
});

test("trap 21, limits are for a frame: SafeSocket drops more than 64 frames or 32 MiB, and counts", async () => {
  await using pull = new SafeSocket("pull");
  await using push = new SafeSocket("push");
  push.connect(await pull.bind("tcp://127.0.0.1:*"));
  push.send(frames(65, 1));
  push.send(frames(3, 12 * 1024 * 1024));
  push.send(frames(64, 1));
  push.send(frames(2, 16 * 1024 * 1024));
  const reader = pull[Symbol.asyncIterator]();
  expect((await reader.next()).value).toHaveLength(64);
  expect((await reader.next()).value).toHaveLength(2);
  expect(pull.stats()).toMatchObject({ received: 2, refused: { frames: 1, bytes: 1 } });
});

test("trap 21, limits are for a frame: SafeSocket does not count the route of a router, and takes other limits", async () => {
  await using router = new SafeSocket("router", { framesMax: 2, messageBytesMax: 10 });
  await using dealer = new SafeSocket("dealer");
  dealer.connect(await router.bind("tcp://127.0.0.1:*"));
  dealer.send(frames(3, 1));
  dealer.send(frames(1, 11));
  dealer.send(frames(2, 1));
  expect((await router[Symbol.asyncIterator]().next()).value).toHaveLength(3);
  expect(router.stats().refused).toEqual({ frames: 1, bytes: 1 });
});

test("trap 21, limits are for a frame: SafeSocket cuts the connection at one that is too large", async () => {
  await using pull = new SafeSocket("pull", { frameBytesMax: 1_000 });
  await using push = new SafeSocket("push");
  push.connect(await pull.bind("tcp://127.0.0.1:*"));
  push.send(frames(1, 1_001));
  const next = pull[Symbol.asyncIterator]().next();
  expect(await outcome(next, 500)).toBe("pending");
  push.send(frames(1, 1_000));
  expect(await outcome(next, 4_000)).toBe("ok");
});

// 512 MiB stand for the 2 GB that were measured: virtual memory only, in a process of its own.
test("trap 22, announced sizes: raw, memory is reserved for whatever a peer announces", async () => {
  expect((await run("claim", ["raw"])).lines).toEqual(["kept, reserved"]);
});

test("trap 22, announced sizes: SafeSocket cuts such a peer off", async () => {
  expect((await run("claim", ["safe"])).lines).toEqual(["cut, not reserved"]);
});

test("trap 25, number of sockets: raw, the 1 024th fails", async () => {
  const { lines } = await run("many", ["raw", "2000"]);
  expect(Number(lines[0])).toBeLessThan(1_024);
  expect(lines[1]).toBe("EMFILE");
});

test("trap 25, number of sockets: SafeSocket allows 16 384", async () => {
  expect((await run("many", ["safe", "2000"])).lines).toEqual(["2000", "enough"]);
});

test("trap 25, number of sockets: SafeSocket says which limit it was when files run out", async () => {
  const { end, lines } = await run("many", ["safe", "2000"], { filesMax: 256 });
  expect(end).toBe(0);
  expect(lines[1]).toBe("ERR_LINK_OVERLOADED");
});
