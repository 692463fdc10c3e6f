import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import * as zmq from "zeromq";
import { SafeSocket } from "../safe-socket.ts";
import { outcome, Sockets } from "./fixtures/raw.ts";

const bytes = (text: string): Buffer => Buffer.from(text);
const BODY = Buffer.alloc(10_000, 1);
const COUNT = 10_000;
const NOBODY = "tcp://127.0.0.1:9";

test("trap 14, no such peer: raw, a router drops in silence, or with `mandatory` waits for ever", async () => {
  using sockets = new Sockets();
  const silent = sockets.add(new zmq.Router({ linger: 0 }));
  const waiting = sockets.add(new zmq.Router({ linger: 0, mandatory: true }));
  await silent.bind("tcp://127.0.0.1:*");
  await waiting.bind("tcp://127.0.0.1:*");
  expect(await outcome(silent.send(["nobody", "x"]))).toBe("ok");
  expect(await outcome(waiting.send(["nobody", "x"]))).toBe("pending");
});

test("trap 14, no such peer: SafeSocket tells of it at once", async () => {
  const told: string[] = [];
  await using router = new SafeSocket("router", {
    onUnsent: (code, [route]) => told.push(`${code} ${route}`),
  });
  await router.bind("tcp://127.0.0.1:*");
  router.send([bytes("nobody"), bytes("x")]);
  expect(await router.offer([bytes("nobody"), bytes("x")])).toBe(false);
  expect(told).toEqual(["EHOSTUNREACH nobody"]);
  expect(router.stats()).toMatchObject({ sent: 0, unsent: { EHOSTUNREACH: 2 } });
});

/** Messages that are there, until none came for a while. */
async function drain(receive: () => Promise<unknown>): Promise<number> {
  for (let count = 0; ; count++) if ((await outcome(receive(), 400)) !== "ok") return count;
}

test("trap 15, the high-water mark: raw, PUB drops what a slow subscriber does not take", async () => {
  using sockets = new Sockets();
  const pub = sockets.add(new zmq.Publisher({ linger: 0, sendHighWaterMark: 10 }));
  const sub = sockets.add(new zmq.Subscriber({ receiveHighWaterMark: 10 }));
  await pub.bind("tcp://127.0.0.1:*");
  sub.connect(pub.lastEndpoint ?? "");
  sub.subscribe("");
  await sleep(100);
  for (let i = 0; i < COUNT; i++) await pub.send(BODY);
  const count = await drain(() => sub.receive());
  expect(count).toBeGreaterThan(0);
  expect(count).toBeLessThan(COUNT);
});

// A `pub` socket of ours drops as well, since one slow subscriber must not hold up the others. That
// is why a feed numbers its messages and fills the gaps (libs/patterns/src/feed).
test("trap 15, the high-water mark: SafeSocket push tells of each message that did not go", async () => {
  await using pull = new SafeSocket("pull", { highWaterMark: 10 });
  await using push = new SafeSocket("push", { highWaterMark: 10 });
  push.connect(await pull.bind("tcp://127.0.0.1:*"));
  let taken = 0;
  for (let i = 0; i < COUNT; i++) if (await push.offer([BODY])) taken++;
  expect(taken).toBeLessThan(COUNT);
  expect(push.stats()).toMatchObject({ sent: taken, unsent: { EAGAIN: COUNT - taken } });
  const reader = pull[Symbol.asyncIterator]();
  expect(await drain(() => reader.next())).toBe(taken);
});

test("trap 20, disconnect: raw, it discards what was queued for the endpoint", async () => {
  using sockets = new Sockets();
  const push = sockets.add(new zmq.Push({ linger: 0 }));
  const pull = sockets.add(new zmq.Pull());
  await pull.bind("tcp://127.0.0.1:*");
  push.connect(NOBODY);
  for (let i = 0; i < 10; i++) await push.send("x");
  push.disconnect(NOBODY);
  push.connect(pull.lastEndpoint ?? "");
  expect(await drain(() => pull.receive())).toBe(0);
});

test("trap 20, disconnect: SafeSocket with `immediate` queues nothing for it and says so", async () => {
  await using pull = new SafeSocket("pull");
  await using push = new SafeSocket("push", { immediate: true });
  push.connect(NOBODY);
  for (let i = 0; i < 10; i++) expect(await push.offer([bytes("x")])).toBe(false);
  push.disconnect(NOBODY);
  push.connect(await pull.bind("tcp://127.0.0.1:*"));
  while (!(await push.offer([bytes("x")]))) await sleep(10);
  const reader = pull[Symbol.asyncIterator]();
  expect(await drain(() => reader.next())).toBe(1);
});

test("trap 20, disconnect: SafeSocket keeps what it queued through a restart of the peer", async () => {
  await using push = new SafeSocket("push");
  const before = new SafeSocket("pull");
  const endpoint = await before.bind("tcp://127.0.0.1:*");
  push.connect(endpoint);
  push.send([bytes("first")]);
  await before[Symbol.asyncIterator]().next();
  await before[Symbol.asyncDispose]();
  await sleep(100);
  for (let i = 0; i < 10; i++) push.send([bytes("x")]);
  await using after = new SafeSocket("pull");
  await after.bind(endpoint);
  const reader = after[Symbol.asyncIterator]();
  expect(await drain(() => reader.next())).toBe(10);
});
