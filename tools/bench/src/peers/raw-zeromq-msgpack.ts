import { decode, encode } from "@msgpack/msgpack";
import { Dealer, Router } from "zeromq";
import type { Peer } from "./peer.ts";

const OPTIONS = { sendHighWaterMark: 0, receiveHighWaterMark: 0, sendTimeout: 0 };

type Call = readonly [id: number, method: string, ...args: readonly unknown[]];
type Answer = readonly [id: number, value: unknown];
type Waiting = Map<number, (value: never) => void>;

/** zeromq.js and msgpack by hand: one message a call, no deadline, no errors. */
export const rawZeromqMsgpack: Peer = {
  name: "raw-zeromq-msgpack",
  serve: async () => {
    const socket = new Router(OPTIONS);
    await socket.bind("tcp://127.0.0.1:*");
    void answer(socket);
    return socket.lastEndpoint ?? "";
  },
  connect: async (endpoint) => {
    const socket = new Dealer(OPTIONS);
    socket.connect(endpoint);
    const waiting: Waiting = new Map();
    void receive(socket, waiting);
    let id = 0;
    const invoke = <T>(method: string, ...args: unknown[]): Promise<T> =>
      new Promise((resolve) => {
        id = (id + 1) >>> 0;
        waiting.set(id, resolve);
        void socket.send(encode([id, method, ...args]));
      });
    await invoke("add", 0, 0);
    return {
      call: (a, b) => invoke("add", a, b),
      echo: ({ bytes }) => invoke("echo", bytes),
      close: async () => socket.close(),
    };
  },
};

const methods: Readonly<Record<string, (...args: never[]) => unknown>> = {
  add: (a: number, b: number) => a + b,
  echo: (body: Uint8Array) => body,
};

async function answer(socket: Router): Promise<void> {
  for await (const [route, call] of socket) {
    if (route === undefined || call === undefined) continue;
    const [id, method, ...args] = decode(call) as Call;
    void socket.send([route, encode([id, methods[method]?.(...(args as never[]))])]);
  }
}

async function receive(socket: Dealer, waiting: Waiting): Promise<void> {
  for await (const [bytes] of socket) {
    if (bytes === undefined) continue;
    const [id, value] = decode(bytes) as Answer;
    waiting.get(id)?.(value as never);
    waiting.delete(id);
  }
}
