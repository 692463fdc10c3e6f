import { Dealer, Pull, Push, Router } from "zeromq";
import type { Client, Peer } from "./peer.ts";

const ID_BYTES = 4;
const CALL_BYTES = 3 * ID_BYTES;
const OPTIONS = { sendHighWaterMark: 0, receiveHighWaterMark: 0, sendTimeout: 0 };
const ANY_PORT = "tcp://127.0.0.1:*";

type Waiting = Map<number, (answer: Buffer) => void>;

/**
 * zeromq.js by hand: one message a call, no codec, no deadline, no errors. An echo is its number and
 * its body, a frame each; a stream is asked for by a call and comes over PUSH, one message an item.
 */
export const rawZeromq: Peer = {
  name: "raw-zeromq",
  serve: async () => {
    const socket = new Router(OPTIONS);
    const items = new Push();
    await Promise.all([socket.bind(ANY_PORT), items.bind(ANY_PORT)]);
    void answer(socket, items);
    return `${socket.lastEndpoint} ${items.lastEndpoint}`;
  },
  connect: async (endpoints) => {
    const [endpoint = "", itemsEndpoint = ""] = endpoints.split(" ");
    const socket = new Dealer(OPTIONS);
    const items = new Pull();
    socket.connect(endpoint);
    items.connect(itemsEndpoint);
    const client = clientOf(socket, items);
    await client.call(0, 0);
    return client;
  },
};

function clientOf(socket: Dealer, items: Pull): Client {
  const waiting: Waiting = new Map();
  void receive(socket, waiting);
  let id = 0;
  const send = (bytes: Buffer, done: (answer: Buffer) => void, body?: Buffer): void => {
    id = (id + 1) >>> 0;
    waiting.set(id, done);
    bytes.writeUInt32LE(id, 0);
    void socket.send(body === undefined ? bytes : [bytes, body]);
  };
  return {
    call: (a, b) =>
      new Promise((resolve) => {
        const bytes = Buffer.allocUnsafeSlow(CALL_BYTES);
        bytes.writeInt32LE(a, ID_BYTES);
        bytes.writeInt32LE(b, 2 * ID_BYTES);
        send(bytes, (answer) => resolve(answer.readInt32LE(ID_BYTES)));
      }),
    echo: ({ bytes }) =>
      new Promise((resolve) => send(Buffer.allocUnsafeSlow(ID_BYTES), resolve, bytes)),
    items: (count) => {
      const bytes = Buffer.allocUnsafeSlow(2 * ID_BYTES);
      bytes.writeUInt32LE(count, ID_BYTES);
      send(bytes, () => undefined);
      return take(items, count);
    },
    close: async () => {
      socket.close();
      items.close();
    },
  };
}

async function* take(items: Pull, count: number): AsyncGenerator<number> {
  for (let i = 0; i < count; i++) {
    const [item] = await items.receive();
    yield item?.readUInt32LE(0) ?? 0;
  }
}

async function answer(socket: Router, items: Push): Promise<void> {
  for await (const [route, call, body] of socket) {
    if (route === undefined || call === undefined) continue;
    if (body !== undefined) {
      void socket.send([route, call, body]);
      continue;
    }
    const bytes = Buffer.allocUnsafeSlow(2 * ID_BYTES);
    call.copy(bytes, 0, 0, ID_BYTES);
    if (call.length === CALL_BYTES) {
      bytes.writeInt32LE(call.readInt32LE(ID_BYTES) + call.readInt32LE(2 * ID_BYTES), ID_BYTES);
    } else void push(items, call.readUInt32LE(ID_BYTES));
    void socket.send([route, bytes]);
  }
}

async function push(items: Push, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const bytes = Buffer.allocUnsafeSlow(ID_BYTES);
    bytes.writeUInt32LE(i);
    await items.send(bytes);
  }
}

async function receive(socket: Dealer, waiting: Waiting): Promise<void> {
  for await (const [bytes, body] of socket) {
    if (bytes === undefined) continue;
    const id = bytes.readUInt32LE(0);
    waiting.get(id)?.(body ?? bytes);
    waiting.delete(id);
  }
}
