import { Dealer, Router } from "zeromq";
import type { Peer } from "./peer.ts";

const ID_BYTES = 4;
const CALL_BYTES = 12;

/** zeromq.js by hand: one message a call, no codec, no deadline, no errors. */
export const rawZeromq: Peer = {
  name: "raw-zeromq",
  serve: async () => {
    const socket = new Router({ sendHighWaterMark: 0, receiveHighWaterMark: 0, sendTimeout: 0 });
    await socket.bind("tcp://127.0.0.1:*");
    void answer(socket);
    return socket.lastEndpoint ?? "";
  },
  connect: async (endpoint) => {
    const socket = new Dealer({ sendHighWaterMark: 0, receiveHighWaterMark: 0, sendTimeout: 0 });
    socket.connect(endpoint);
    const waiting = new Map<number, (sum: number) => void>();
    void receive(socket, waiting);
    let id = 0;
    const call = (a: number, b: number): Promise<number> =>
      new Promise((resolve) => {
        id = (id + 1) >>> 0;
        waiting.set(id, resolve);
        const bytes = Buffer.allocUnsafeSlow(CALL_BYTES);
        bytes.writeUInt32LE(id, 0);
        bytes.writeInt32LE(a, ID_BYTES);
        bytes.writeInt32LE(b, 2 * ID_BYTES);
        void socket.send(bytes);
      });
    await call(0, 0);
    return { call, close: async () => socket.close() };
  },
};

async function answer(socket: Router): Promise<void> {
  for await (const [route, call] of socket) {
    if (route === undefined || call === undefined) continue;
    const bytes = Buffer.allocUnsafeSlow(2 * ID_BYTES);
    call.copy(bytes, 0, 0, ID_BYTES);
    bytes.writeInt32LE(call.readInt32LE(ID_BYTES) + call.readInt32LE(2 * ID_BYTES), ID_BYTES);
    void socket.send([route, bytes]);
  }
}

async function receive(socket: Dealer, waiting: Map<number, (sum: number) => void>): Promise<void> {
  for await (const [bytes] of socket) {
    if (bytes === undefined) continue;
    const id = bytes.readUInt32LE(0);
    waiting.get(id)?.(bytes.readInt32LE(ID_BYTES));
    waiting.delete(id);
  }
}
