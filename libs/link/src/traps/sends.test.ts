import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import * as zmq from "zeromq";
import { codeOf } from "../errors.ts";
import { SafeSocket } from "../safe-socket.ts";
import { outcome, Sockets } from "./fixtures/raw.ts";

const bytes = (text: string): Buffer => Buffer.from(text);

/** The code of what `act` throws at once, or `none`. */
function thrown(act: () => Promise<unknown>): string {
  try {
    act().catch(() => undefined);
    return "none";
  } catch (error) {
    return codeOf(error) ?? String(error);
  }
}

test("trap 3, synchronous throws: raw, a send throws where a rejection is promised", async () => {
  using sockets = new Sockets();
  const push = sockets.add(new zmq.Push({ linger: 0 }));
  const binding = push.bind("tcp://127.0.0.1:*");
  expect(thrown(() => push.send("while it binds"))).toBe("EBUSY");
  await binding;
  expect(thrown(() => push.send("waits for a peer"))).toBe("none");
  expect(thrown(() => push.send("a second one"))).toBe("EBUSY");
  push.close();
  expect(thrown(() => push.send("after close"))).toBe("EBADF");
});

test("trap 3, synchronous throws: SafeSocket says false or tells of it, and counts", async () => {
  const told: string[] = [];
  await using push = new SafeSocket("push", { onUnsent: (code) => told.push(code) });
  const binding = push.bind("tcp://127.0.0.1:*");
  push.send([bytes("while it binds")]);
  await binding;
  push.send([bytes("nobody is there")]);
  push.send([bytes("a second one")]);
  await sleep(0);
  expect(told).toEqual(["EAGAIN", "EAGAIN", "EAGAIN"]);
  push.close();
  expect(push.send([bytes("after close")])).toBe(false);
  expect(await push.offer([bytes("after close")])).toBe(false);
  expect(push.stats()).toMatchObject({ sent: 0, unsent: { EAGAIN: 3, ERR_LINK_CLOSED: 2 } });
});

const BURST = 20_000;

test("trap 4, the 514th send: raw, a burst fails although there is room", async () => {
  using sockets = new Sockets();
  const pull = sockets.add(new zmq.Pull({ receiveHighWaterMark: 0 }));
  const push = sockets.add(new zmq.Push({ linger: 0, sendHighWaterMark: 0 }));
  await pull.bind("tcp://127.0.0.1:*");
  push.connect(pull.lastEndpoint ?? "");
  const codes = Array.from({ length: 2_000 }, () => thrown(() => push.send("x")));
  expect(codes.indexOf("EBUSY")).toBeGreaterThan(0);
});

test("trap 4, the 514th send: SafeSocket takes a burst, in order and within its bound", async () => {
  await using pull = new SafeSocket("pull");
  await using push = new SafeSocket("push");
  push.connect(await pull.bind("tcp://127.0.0.1:*"));
  let waitingMost = 0;
  for (let i = 0; i < BURST; i++) {
    push.send([bytes(String(i))]);
    waitingMost = Math.max(waitingMost, push.stats().waiting);
  }
  expect(waitingMost).toBeGreaterThan(1_000);
  expect(waitingMost).toBeLessThan(8_192);
  let next = 0;
  for await (const [body] of pull) {
    expect(String(body)).toBe(String(next++));
    if (next === BURST) break;
  }
  expect(push.stats()).toMatchObject({ sent: BURST, waiting: 0, unsent: {} });
  expect(pull.stats().received).toBe(BURST);
});

test("trap 4, the 514th send: SafeSocket sends what waits before it closes", async () => {
  await using pull = new SafeSocket("pull");
  const push = new SafeSocket("push");
  push.connect(await pull.bind("tcp://127.0.0.1:*"));
  const reader = pull[Symbol.asyncIterator]();
  push.send([bytes("0")]);
  await reader.next();
  for (let i = 1; i < 1_000; i++) push.send([bytes(String(i))]);
  await push[Symbol.asyncDispose]();
  for (let i = 1; i < 1_000; i++) expect(String((await reader.next()).value)).toBe(String(i));
});

test("trap 7, coercion: raw, it sends the text of whatever it is given, and nothing of nothing", async () => {
  using sockets = new Sockets();
  const [a, b] = [sockets.add(new zmq.Pair()), sockets.add(new zmq.Pair())];
  await a.bind("inproc://coercion");
  b.connect("inproc://coercion");
  await b.send({ a: 1 } as unknown as Buffer);
  expect(String(await a.receive())).toBe("[object Object]");
  await b.send([]);
  expect(await outcome(a.receive(), 200)).toBe("pending");
});

test("trap 7, coercion: SafeSocket takes frames of bytes and refuses the rest", async () => {
  await using pair = new SafeSocket("dealer");
  const wrong: unknown[] = [
    [],
    undefined,
    "text",
    bytes("not in an array"),
    ["text"],
    [{ a: 1 }],
    [undefined],
    [new Uint16Array(2)],
    [new DataView(new ArrayBuffer(2))],
    [new SharedArrayBuffer(2)],
    [bytes("good"), null],
  ];
  for (const message of wrong) {
    const frames = message as Buffer[];
    expect(() => pair.send(frames)).toThrow(expect.objectContaining({ code: "ERR_LINK_ENCODE" }));
    expect(await outcome(pair.offer(frames))).toBe("ERR_LINK_ENCODE");
  }
  expect(pair.stats()).toMatchObject({ sent: 0, unsent: {} });
});
