import { createRequire, registerHooks } from "node:module";
import { freePort } from "./free-port.ts";
import type { Peer } from "./peer.ts";

const require = createRequire(import.meta.url);

type Done<T> = (error: unknown, value?: T) => void;

interface Server {
  bind(endpoint: string): void;
}

interface Client {
  connect(endpoint: string): void;
  invoke(method: string, ...argsAndDone: unknown[]): void;
  close(): void;
}

interface Zerorpc {
  readonly Server: new (methods: object) => Server;
  readonly Client: new () => Client;
}

/** zerorpc for Node, over the interface that zeromq 6 keeps for programs of zeromq 5. */
export const zerorpc: Peer = {
  name: "zerorpc",
  serve: async () => {
    const { Server } = load();
    const server = new Server({ add, echo });
    const endpoint = `tcp://127.0.0.1:${await freePort()}`;
    server.bind(endpoint);
    return endpoint;
  },
  connect: async (endpoint) => {
    const { Client } = load();
    const client = new Client();
    client.connect(endpoint);
    const invoke = <T>(method: string, ...args: unknown[]): Promise<T> =>
      new Promise((resolve, reject) => {
        client.invoke(method, ...args, (error: unknown, value: T) => {
          if (error === null || error === undefined) resolve(value);
          else reject(error);
        });
      });
    await invoke("add", 0, 0);
    return {
      call: (a, b) => invoke("add", a, b),
      echo: ({ bytes }) => invoke("echo", bytes),
      close: async () => client.close(),
    };
  },
};

// It reads how many arguments there are out of the text of the function, so no arrows.
function add(a: number, b: number, done: Done<number>): void {
  done(null, a + b);
}

function echo(body: Uint8Array, done: Done<Uint8Array>): void {
  done(null, body);
}

function load(): Zerorpc {
  const hooks = registerHooks({
    resolve: (name, context, next) => next(name === "zeromq" ? "zeromq/v5-compat" : name, context),
  });
  try {
    return require("zerorpc") as Zerorpc;
  } finally {
    hooks.deregister();
  }
}
