import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import * as zmq from "zeromq";
import type { RawSocket } from "../raw-socket.ts";
import { SafeSocket } from "../safe-socket.ts";
import { busy, outcome, Sockets } from "./fixtures/raw.ts";

const TRIALS = 10;
const BIG = Buffer.alloc(1 << 20);

async function peerThatDoesNotRead(sockets: Sockets): Promise<zmq.Dealer> {
  const peer = sockets.add(
    new zmq.Dealer({
      linger: 0,
      receiveHighWaterMark: 1,
      receiveBufferSize: 4_096,
      sendHighWaterMark: 0,
    }),
  );
  await peer.bind("tcp://127.0.0.1:*");
  return peer;
}

/** Sends until nothing more is taken for a while, longer with each trial. */
async function fill(trial: number, offer: () => Promise<boolean>): Promise<void> {
  for (let refused = 0; refused < 5 + 3 * trial; ) {
    if (await offer()) refused = 0;
    else refused += await sleep(5, 1);
  }
}

async function rawTrial(trial: number): Promise<string> {
  using sockets = new Sockets();
  const peer = await peerThatDoesNotRead(sockets);
  const socket = sockets.add(
    new zmq.Dealer({ linger: 0, sendHighWaterMark: 1, sendBufferSize: 4_096, sendTimeout: 0 }),
  );
  socket.connect(peer.lastEndpoint ?? "");
  await sleep(30);
  await fill(trial, () =>
    socket.send(BIG).then(
      () => true,
      () => false,
    ),
  );
  socket.sendTimeout = -1;
  const received = socket.receive();
  await sleep(5);
  void peer.send("first").catch(() => undefined);
  // The message has to arrive meanwhile, also on a machine that has other work.
  busy(20 + 20 * trial);
  void socket.send("later").catch(() => undefined);
  return await outcome(received, 100);
}

/** @returns how often the later send found no room: the state in which the raw socket is stuck */
async function safeTrial(trial: number): Promise<number> {
  using sockets = new Sockets();
  const peer = await peerThatDoesNotRead(sockets);
  const socket = sockets.add(new SafeSocket("dealer", { highWaterMark: 1 }));
  socket.connect(peer.lastEndpoint ?? "");
  await sleep(30);
  await fill(trial, () => socket.offer([BIG]));
  const received = socket[Symbol.asyncIterator]().next();
  await sleep(5);
  void peer.send("first").catch(() => undefined);
  busy(20 + 20 * trial);
  const before = socket.stats().unsent["EAGAIN"] ?? 0;
  socket.send([Buffer.from("later")]);
  expect(await outcome(received, 2_000)).toBe("ok");
  return (socket.stats().unsent["EAGAIN"] ?? 0) - before;
}

test("trap 1, lost wake-up: raw, a send that waits beside a pending receive loses its message", async () => {
  const ends: string[] = [];
  while (ends.length < 2 * TRIALS && !ends.includes("pending"))
    ends.push(await rawTrial(ends.length));
  expect(ends).toContain("pending");
});

test("trap 1, lost wake-up: SafeSocket receives, since no send ever waits", async () => {
  let muted = 0;
  for (let trial = 0; trial < TRIALS; trial++) muted += await safeTrial(trial);
  expect(muted).toBeGreaterThan(0);
});

async function subscriberThatIsAsked(trial: number): Promise<string> {
  using sockets = new Sockets();
  const pub = sockets.add(new zmq.Publisher({ linger: 0 }));
  const sub = sockets.add(new zmq.Subscriber({ linger: 0 }));
  await pub.bind("tcp://127.0.0.1:*");
  sub.connect(pub.lastEndpoint ?? "");
  sub.subscribe("");
  await sleep(50);
  const received = sub.receive();
  await sleep(10);
  void pub.send("first").catch(() => undefined);
  busy(50 + 30 * trial);
  void sub.readable;
  return await outcome(received, 100);
}

test("trap 2, reading .readable: raw, it kills a pending receive", async () => {
  const ends: string[] = [];
  while (ends.length < 2 * TRIALS && !ends.includes("pending")) {
    ends.push(await subscriberThatIsAsked(ends.length));
  }
  expect(ends).toContain("pending");
});

test("trap 2, reading .readable: SafeSocket has neither it nor anything else that does so", async () => {
  await using pub = new SafeSocket("pub");
  await using sub = new SafeSocket("sub");
  sub.connect(await pub.bind("tcp://127.0.0.1:*"));
  await sleep(50);
  const received = sub[Symbol.asyncIterator]().next();
  await sleep(10);
  pub.send([Buffer.from("first")]);
  busy(50);
  sub.subscribe("more");
  sub.stats();
  for (const name of ["readable", "writable", "events", "context"]) {
    expect(name in sub).toBe(false);
    expect(Reflect.get(sub, name)).toBe(undefined);
  }
  expect(await outcome(received, 2_000)).toBe("ok");
});

test("trap 2, reading .readable: the types do not offer it within link either", () => {
  const never = (raw: RawSocket, safe: SafeSocket): unknown[] => [
    // @ts-expect-error reading it loses a wake-up
    raw.readable,
    // @ts-expect-error reading it loses a wake-up
    raw.writable,
    // @ts-expect-error a monitor that is not drained freezes the process
    raw.events,
    // @ts-expect-error it binds
    raw.unbindSync,
    // @ts-expect-error sends throw while it runs
    raw.bind,
    // @ts-expect-error reading it loses a wake-up
    safe.readable,
    // @ts-expect-error reading it loses a wake-up
    safe.writable,
    // @ts-expect-error a monitor that is not drained freezes the process
    safe.events,
  ];
  expect(never).toBeTypeOf("function");
});
