import { createRequire, registerHooks } from "node:module";

/**
 * A peer of zerorpc-node in a process of its own: `serve` prints where, `call` makes the calls that
 * stand in its arguments as JSON and prints what came of them. Its ZeroMQ is the one we have, under
 * the names of version 5.
 */
registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier === "zeromq" ? "zeromq/v5-compat" : specifier, context),
});

type Reply = (error: Error | null, value?: unknown, more?: boolean) => void;

interface Zerorpc {
  readonly Server: new (
    methods: object,
    heartbeatMs: number,
  ) => { bind(endpoint: string): void; on(event: "error", heard: (error: unknown) => void): void };
  readonly Client: new (
    options: object,
  ) => {
    connect(endpoint: string): void;
    invoke(method: string, ...rest: unknown[]): void;
    on(event: "error", heard: (error: unknown) => void): void;
  };
}

const require = createRequire(import.meta.url);
const { Client, Server } = require("zerorpc") as Zerorpc;
const say = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value)}\n`);
const [role, endpoint = "", heartbeatMs = "5000", calls = "[]"] = process.argv.slice(2);

// Node's server sees parameters only in functions of the old kind.
const methods = {
  add: function add(a: number, b: number, reply: Reply) {
    reply(null, a + b, false);
  },
  echo: function echo(value: unknown, reply: Reply) {
    reply(null, value, false);
  },
  fail: function fail(message: string, reply: Reply) {
    reply(new RangeError(message), undefined, false);
  },
  slow: function slow(ms: number, reply: Reply) {
    setTimeout(() => reply(null, ms, false), ms);
  },
  range: function range(n: number, reply: Reply) {
    for (let i = 0; i < n; i++) reply(null, i, true);
    reply(null);
  },
};

/** What came of one call: the value, the number of items, or the error. */
function outcome(client: InstanceType<Zerorpc["Client"]>, call: unknown[]): Promise<unknown> {
  const [method, ...args] = call as [string, ...unknown[]];
  let items = 0;
  return new Promise((resolve) => {
    client.invoke(method, ...args, (error: Error | null, value: unknown, more: boolean) => {
      if (error) resolve({ error: `${error.name}: ${error.message}` });
      else if (more) items++;
      else resolve(items > 0 ? { items } : { value });
    });
  });
}

if (role === "serve") {
  const server = new Server(methods, Number(heartbeatMs));
  server.on("error", (error) => say({ error: String(error) }));
  server.bind(endpoint);
  say("up");
} else {
  const client = new Client({ timeout: 30, heartbeatInterval: Number(heartbeatMs) });
  client.on("error", (error) => say({ error: String(error) }));
  client.connect(endpoint);
  for (const call of JSON.parse(calls) as unknown[][]) say(await outcome(client, call));
  process.exit(0);
}
