import { setImmediate as turn } from "node:timers/promises";
import { dial, KeyPair, listen, type Session } from "@zeroplane/link";
import { ANY_PORT, type BenchKeys, Calls, COUNTED, type Contestant, ECHOED } from "./contestant.ts";

const VERB = 1;
const READY_MS = 120_000;
/** Records before the loop has its turn. */
const SENDS_A_LOOK = 4_096;

/** Records of a session, with numbers, acknowledgements, credit and resume. */
export const ours: Contestant = {
  name: "zeroplane",
  listen: async (keys, at = ANY_PORT) => {
    let counted = 0;
    const listener = await listen(at, { keys: listenKeys(keys) });
    listener.accept(VERB, (session) => ({
      receive: (body) => {
        if (body[0] === ECHOED) session.send(VERB, body);
        else counted++;
      },
    }));
    const { endpoint } = listener;
    const peers = (): number => listener.sessions().filter(({ state }) => state === "up").length;
    return { endpoint, count: () => counted, peers };
  },
  dial: (endpoint, keys) => {
    const session = dial(endpoint, { keys: dialKeys(keys) });
    const calls = new Calls();
    session.attach(VERB, { receive: (body) => calls.finish(body) });
    return {
      blast: (sizeBytes, ms) => blast(session, sizeBytes, ms),
      call: () => calls.start((body) => session.send(VERB, body)),
      ready: () => session.ready(READY_MS),
    };
  },
};

async function blast(session: Session, sizeBytes: number, ms: number): Promise<void> {
  const body = Buffer.alloc(sizeBytes, COUNTED);
  const endAtMs = performance.now() + ms;
  while (performance.now() < endAtMs) {
    for (let i = 0; i < SENDS_A_LOOK && session.hasRoom; i++) session.send(VERB, body);
    if (session.hasRoom) await turn();
    else await session.room();
  }
}

function listenKeys(keys: BenchKeys | undefined) {
  if (keys === undefined) return undefined;
  const { server, client } = keys;
  const trust = (key: string): boolean => key === client.publicKey;
  return { key: new KeyPair(server.publicKey, server.secretKey), trust };
}

function dialKeys(keys: BenchKeys | undefined) {
  if (keys === undefined) return undefined;
  const { server, client } = keys;
  return { key: new KeyPair(client.publicKey, client.secretKey), serverKey: server.publicKey };
}
