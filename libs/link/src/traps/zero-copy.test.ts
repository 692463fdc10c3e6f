import { expect, test } from "vitest";
import * as zmq from "zeromq";
import { decode, encode } from "../codec.ts";
import { SafeSocket } from "../safe-socket.ts";
import { dial } from "../session/dial.ts";
import { listen } from "../session/listener.ts";
import { Sockets } from "./fixtures/raw.ts";

const COUNT = 200;
const filler = "f".repeat(1_000);

test("trap 6, zero copy: raw, a buffer used again changes what was sent before", async () => {
  using sockets = new Sockets();
  const pull = sockets.add(new zmq.Pull());
  const push = sockets.add(new zmq.Push({ linger: 0 }));
  await pull.bind("inproc://zero-copy");
  push.connect("inproc://zero-copy");
  const scratch = Buffer.alloc(1_024);
  let wrong = 0;
  for (let i = 0; i < COUNT; i++) {
    scratch.writeUInt32LE(i);
    await push.send(scratch);
  }
  for (let i = 0; i < COUNT; i++) if ((await pull.receive())[0]?.readUInt32LE() !== i) wrong++;
  expect(wrong).toBe(COUNT - 1);
});

// SafeSocket does not copy either: large bodies would cost twice. What holds is that everything
// handed to it has memory of its own, which `encode` and the sessions give.
test("trap 6, zero copy: SafeSocket with encode() sends each value as it was", async () => {
  await using pull = new SafeSocket("pull");
  await using push = new SafeSocket("push");
  push.connect(await pull.bind("inproc://zero-copy-safe"));
  const value = { i: 0, filler };
  for (; value.i < COUNT; value.i++) push.send([encode(value)]);
  const reader = pull[Symbol.asyncIterator]();
  for (let i = 0; i < COUNT; i++) {
    const { value: frames } = await reader.next();
    expect(decode((frames as Buffer[])[0] as Buffer)).toMatchObject({ i });
  }
});

test("trap 6, zero copy: a session over SafeSocket copies bodies below 16 KiB", async () => {
  await using listener = await listen("tcp://127.0.0.1:*");
  const got: number[] = [];
  const { promise, resolve } = Promise.withResolvers<void>();
  listener.accept(1, () => ({
    receive: (body) => {
      if (got.push(body.readUInt32LE()) === COUNT) resolve();
    },
  }));
  await using session = dial(listener.endpoint);
  const scratch = Buffer.alloc(1_024);
  for (let i = 0; i < COUNT; i++) {
    scratch.writeUInt32LE(i);
    session.send(1, scratch);
  }
  await promise;
  expect(got).toEqual(Array.from({ length: COUNT }, (_, i) => i));
});
