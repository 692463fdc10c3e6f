import { expect, test } from "vitest";
import * as zmq from "zeromq";
import { SafeSocket } from "../safe-socket.ts";
import { busy, Sockets } from "./fixtures/raw.ts";

const COUNT = 5_000;
const X = Buffer.from("x");

/** Counts the turns of the event loop. */
class Turns implements Disposable {
  count = 0;
  #next = setImmediate(() => this.#tick());

  #tick(): void {
    this.count++;
    this.#next = setImmediate(() => this.#tick());
  }

  [Symbol.dispose](): void {
    clearImmediate(this.#next);
  }
}

test("trap 5, starvation: raw, sends that never wait never let a timer run", async () => {
  using sockets = new Sockets();
  const pub = sockets.add(new zmq.Publisher({ linger: 0, sendTimeout: 0 }));
  using turns = new Turns();
  for (let i = 0; i < COUNT; i++) await pub.send(X);
  expect(turns.count).toBe(0);
});

test("trap 5, starvation: SafeSocket lets others run every 256 sends", async () => {
  await using pub = new SafeSocket("pub");
  using turns = new Turns();
  let fired = false;
  setTimeout(() => {
    fired = true;
  }, 1);
  for (let i = 0; i < COUNT; i++) await pub.offer([X]);
  expect(turns.count).toBeGreaterThanOrEqual(Math.floor(COUNT / 256) - 1);
  expect(fired).toBe(true);
});

test("trap 5, starvation: SafeSocket spreads a burst over turns", async () => {
  await using pub = new SafeSocket("pub");
  using turns = new Turns();
  for (let i = 0; i < COUNT; i++) pub.send([X]);
  expect(pub.stats()).toMatchObject({ sent: 256, waiting: COUNT - 256 });
  while (pub.stats().waiting > 0) await new Promise((resolve) => setImmediate(resolve));
  expect(turns.count).toBeGreaterThanOrEqual(Math.floor(COUNT / 256) - 1);
});

const SLOW = 40;
const SLOW_MS = 3;

/** A pull socket's messages are all there, and each takes its reader a while. */
async function mostInOneTurn(next: () => Promise<unknown>): Promise<number> {
  using turns = new Turns();
  let [most, inThis, turn] = [0, 0, 0];
  for (let i = 0; i < SLOW; i++) {
    await next();
    busy(SLOW_MS);
    inThis = turn === turns.count ? inThis + 1 : 1;
    turn = turns.count;
    most = Math.max(most, inThis);
  }
  return most;
}

test("trap 5, starvation: raw, a slow reader that always finds a message lets no timer run", async () => {
  using sockets = new Sockets();
  const pull = sockets.add(new zmq.Pull());
  const push = sockets.add(new zmq.Push({ linger: 0 }));
  await pull.bind("inproc://slow-raw");
  push.connect("inproc://slow-raw");
  for (let i = 0; i < SLOW; i++) await push.send(X);
  expect(await mostInOneTurn(() => pull.receive())).toBeGreaterThan(SLOW / 2);
});

test("trap 5, starvation: SafeSocket gives a slow reader a few messages in one turn", async () => {
  await using pull = new SafeSocket("pull");
  await using push = new SafeSocket("push");
  push.connect(await pull.bind("inproc://slow-safe"));
  for (let i = 0; i < SLOW; i++) push.send([X]);
  const reader = pull[Symbol.asyncIterator]();
  expect(await mostInOneTurn(() => reader.next())).toBeLessThanOrEqual(8);
});
