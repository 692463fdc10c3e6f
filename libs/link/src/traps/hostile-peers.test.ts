import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import * as zmq from "zeromq";
import { SafeSocket } from "../safe-socket.ts";
import { dial } from "../session/dial.ts";
import { listen } from "../session/listener.ts";
import { greeting, outcome, portOf, Sockets } from "./fixtures/raw.ts";

/** A well-formed message that means nothing. */
const NONSENSE = Buffer.concat([Buffer.from([0, 5]), Buffer.from("hello")]);

function knock(endpoint: string | null): Socket {
  const socket = connect(portOf(endpoint), "127.0.0.1");
  return socket.on("error", () => undefined).resume();
}

/** Opens a connection, says `parts` one after the other, and leaves. */
async function say(endpoint: string | null, ...parts: Uint8Array[]): Promise<void> {
  const socket = knock(endpoint);
  for (const part of parts) {
    socket.write(part);
    await sleep(5);
  }
  await sleep(5);
  socket.destroy();
}

async function throwGarbage(endpoint: string): Promise<void> {
  const greet = greeting("DEALER");
  for (let i = 0; i < 20; i++) {
    await say(endpoint, randomBytes(200));
    await say(endpoint, greet.subarray(0, 64), randomBytes(300));
    await say(endpoint, Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    await say(endpoint, greet, randomBytes(400));
    await say(endpoint, greet, NONSENSE);
  }
}

test("trap 26, garbage: raw, nonsense from anybody surfaces as a message", async () => {
  using sockets = new Sockets();
  const router = sockets.add(new zmq.Router({ linger: 0 }));
  await router.bind("tcp://127.0.0.1:*");
  const received = router.receive();
  for (let i = 0; i < 20; i++) await say(router.lastEndpoint, greeting("DEALER"), NONSENSE);
  expect(String((await received)[1])).toBe("hello");
});

test("trap 26, garbage: a listener over SafeSocket refuses it, counts it and goes on", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  const got = Promise.withResolvers<string>();
  listener.accept(1, () => ({ receive: (body) => got.resolve(String(body)) }));
  await throwGarbage(listener.endpoint);
  expect(listener.stats().refused["protocol"]).toBeGreaterThan(0);
  expect(listener.sessions()).toEqual([]);
  await using session = dial(listener.endpoint);
  session.send(1, Buffer.from("sense"));
  expect(await got.promise).toBe("sense");
});

/** Seconds until a connection that says nothing is cut, at most 7. */
async function heldFor(endpoint: string | null): Promise<number> {
  const startMs = performance.now();
  const peer = knock(endpoint);
  const closed = new Promise<void>((resolve) => peer.on("close", () => resolve()));
  await outcome(closed, 7_000);
  peer.destroy();
  return (performance.now() - startMs) / 1_000;
}

test.concurrent("trap 27, silent connections: raw, one is held for long", async ({ expect }) => {
  using sockets = new Sockets();
  const router = sockets.add(new zmq.Router({ linger: 0 }));
  await router.bind("tcp://127.0.0.1:*");
  expect(await heldFor(router.lastEndpoint)).toBeGreaterThan(6.9);
});

test.concurrent("trap 27, silent connections: SafeSocket cuts it after 5 s", async ({ expect }) => {
  await using router = new SafeSocket("router");
  const seconds = await heldFor(await router.bind("tcp://127.0.0.1:*"));
  expect(seconds).toBeGreaterThan(4);
  expect(seconds).toBeLessThan(6.9);
});
