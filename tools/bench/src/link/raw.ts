import { setImmediate as turn } from "node:timers/promises";
import { Dealer, Router } from "zeromq";
import { ANY_PORT, type BenchKeys, Calls, COUNTED, type Contestant, ECHOED } from "./contestant.ts";

const SENDS_A_TURN = 256;
const HIGH_WATER_MARK = 10_000;

/** zeromq.js by hand: one message a send, nothing numbered, nothing acknowledged. */
export const raw: Contestant = {
  name: "raw-zeromq",
  listen: async (keys, at = ANY_PORT) => {
    const socket = new Router({ ...options, ...serverKeys(keys) });
    const routes = new Set<string>();
    let counted = 0;
    await socket.bind(at);
    const run = async (): Promise<void> => {
      for await (const [route, body] of socket) {
        if (route === undefined || body === undefined) continue;
        if (body[0] !== ECHOED) counted++;
        else {
          routes.add(route.toString("latin1"));
          socket.send([route, body]).catch(() => undefined);
        }
      }
    };
    void run();
    const endpoint = socket.lastEndpoint ?? "";
    return { endpoint, count: () => counted, peers: () => routes.size };
  },
  dial: (endpoint, keys) => {
    const socket = new Dealer({ ...options, ...clientKeys(keys) });
    socket.connect(endpoint);
    const calls = new Calls();
    void receive(socket, calls);
    const call = (): Promise<void> => calls.start((body) => void socket.send(body));
    return { blast: (sizeBytes, ms) => blast(socket, sizeBytes, ms), call, ready: call };
  },
};

const options = {
  sendHighWaterMark: HIGH_WATER_MARK,
  receiveHighWaterMark: HIGH_WATER_MARK,
  sendTimeout: 0,
  backlog: 1_024,
} as const;

async function receive(socket: Dealer, calls: Calls): Promise<void> {
  for await (const [body] of socket) if (body !== undefined) calls.finish(body);
}

/** `sendTimeout: 0` is the fastest form; a full queue says so, and the sender waits a turn. */
async function blast(socket: Dealer, sizeBytes: number, ms: number): Promise<void> {
  const body = Buffer.alloc(sizeBytes, COUNTED);
  const endAtMs = performance.now() + ms;
  while (performance.now() < endAtMs) {
    try {
      for (let i = 0; i < SENDS_A_TURN; i++) await socket.send(body);
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "EAGAIN")) throw error;
    }
    await turn();
  }
}

function serverKeys(keys: BenchKeys | undefined) {
  return keys === undefined ? {} : { curveServer: true, curveSecretKey: keys.server.secretKey };
}

function clientKeys(keys: BenchKeys | undefined) {
  if (keys === undefined) return {};
  return {
    curveServerKey: keys.server.publicKey,
    curvePublicKey: keys.client.publicKey,
    curveSecretKey: keys.client.secretKey,
  };
}
