import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import * as zmq from "zeromq";
import { SafeSocket } from "../safe-socket.ts";
import { run, Sockets } from "./fixtures/raw.ts";

const RAW_COUNT = 4_000;
const SAFE_COUNT = 200;

/** How many of a child's messages of 10 KB arrive at a reader that may begin late. */
async function delivered(mode: string, sent: number, beginsLate: boolean): Promise<number> {
  using sockets = new Sockets();
  const pull = sockets.add(new zmq.Pull({ linger: 0, receiveHighWaterMark: 100 }));
  await pull.bind("tcp://127.0.0.1:*");
  let count = 0;
  const read = async (): Promise<void> => {
    for await (const _frames of pull) count++;
  };
  if (!beginsLate) void read();
  const { end, late } = await run("life", [mode, pull.lastEndpoint ?? "", String(sent)]);
  expect({ end, late }).toEqual({ end: 0, late: false });
  if (beginsLate) void read();
  for (let before = -1; before !== count; await sleep(200)) before = count;
  return count;
}

test("trap 10, process.exit: raw, it drops what the peer has not taken, whatever linger says", async () => {
  expect(await delivered("rawBurst", RAW_COUNT, true)).toBeLessThan(RAW_COUNT);
});

test("trap 10, process.exit: SafeSocket that is closed first has sent what its peer takes", async () => {
  expect(await delivered("safeBurst", SAFE_COUNT, false)).toBe(SAFE_COUNT);
});

test("trap 10, process.exit: raw, a peer that is not there keeps a process for ever", async () => {
  expect(await run("life", ["rawToNobody"], { timeoutMs: 2_000 })).toMatchObject({ late: true });
});

test("trap 10, process.exit: SafeSocket lets the process end without its peer", async () => {
  expect(await run("life", ["safeToNobody"])).toMatchObject({ end: 0, late: false });
});

test("trap 18, lifetime: raw, a pending receive keeps the process", async () => {
  expect(await run("life", ["rawReader"], { timeoutMs: 1_500 })).toMatchObject({ late: true });
});

test("trap 18, lifetime: SafeSocket keeps it while it is read, until it is closed, and not otherwise", async () => {
  const kept = await run("life", ["safeReader"], { timeoutMs: 1_500 });
  expect(kept).toMatchObject({ late: true });
  expect(await run("life", ["safeReaderThatCloses"])).toMatchObject({ end: 0, late: false });
  expect(await run("life", ["safeBound"])).toMatchObject({ end: 0, late: false });
});

test("trap 24, close: raw, a pending receive rejects as if there were no message", async () => {
  const pull = new zmq.Pull();
  const received = pull.receive();
  pull.close();
  await expect(received).rejects.toMatchObject({ code: "EAGAIN" });
});

test("trap 24, close: SafeSocket ends its iterator", async () => {
  const pull = new SafeSocket("pull");
  const next = pull[Symbol.asyncIterator]().next();
  pull.close();
  expect(await next).toEqual({ value: undefined, done: true });
});
