import { connect } from "@nats-io/transport-node";
import { listen } from "@zeroplane/link";
import { openFeed } from "@zeroplane/patterns";
import { Publisher } from "zeromq";
import { PeerProcess } from "../peer-process.ts";
import { brokerMissing, startBroker } from "../peers/nats-broker.ts";
import { BODY, NAME, TOPIC } from "./body.ts";
import type { Got, Wait } from "./followers-process.ts";

/** Sends to followers in another process. */
interface Source extends AsyncDisposable {
  /** Where followers connect, and what kind of them. */
  readonly to: string;
  readonly kind: string;
  /** Publishes `count` messages as fast as it can. */
  publish(count: number): Promise<void>;
}

/** One who publishes, with followers. */
export interface FanOut extends AsyncDisposable {
  /** Publishes `count` messages, and resolves when every follower has all of them. */
  run(count: number): Promise<void>;
}

const SCRIPT = new URL("followers-process.ts", import.meta.url);
/** Messages of one turn of the event loop, and before the followers are waited for. */
const TURN = 500;
const CHUNK = 20_000;
const WAIT_MS = 60_000;

/** Who is measured; a text says why one is not. */
export const SOURCES: Readonly<Record<string, () => Promise<Source | string>>> = {
  zeroplane: startOurs,
  "raw zeromq PUB/SUB": startRaw,
  "NATS core": startNats,
};

/** Starts a source with its followers. */
export async function startFanOut(source: Source, followers: number): Promise<FanOut> {
  const peer = await PeerProcess.fork(SCRIPT, [source.kind, source.to, String(followers)]);
  const got = async (wait: Wait): Promise<readonly number[]> => (await peer.ask<Got>(wait)).counts;
  // PUB drops what it sends before a follower is there.
  let counts = await got({ atLeast: 0, ms: 0 });
  while (counts.some((count) => count === 0)) {
    await source.publish(1);
    counts = await got({ atLeast: 1, ms: 50 });
  }
  let each = Math.max(...(await got({ atLeast: Number.POSITIVE_INFINITY, ms: 200 })));
  const behind = await got({ atLeast: 0, ms: 0 });
  const skipped = behind.map((count) => each - count);
  return {
    run: async (count) => {
      for (let left = count; left > 0; left -= CHUNK) {
        const size = Math.min(CHUNK, left);
        await source.publish(size);
        each += size;
        const now = await got({ atLeast: each - Math.max(...skipped), ms: WAIT_MS });
        if (now.some((value, at) => value < each - (skipped[at] ?? 0))) {
          throw new Error(`${source.kind}: messages were lost: ${now} of ${each}`);
        }
      }
    },
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  };
}

async function startOurs(): Promise<Source> {
  const listener = await listen("tcp://127.0.0.1:*");
  const feed = await openFeed<Uint8Array>(NAME, listener);
  return {
    to: listener.endpoint,
    kind: "zeroplane",
    publish: async (count) => {
      for (let at = 0; at < count; at++) {
        feed.put(TOPIC, BODY);
        if (at % TURN === TURN - 1) await new Promise((resolve) => setImmediate(resolve));
      }
    },
    [Symbol.asyncDispose]: async () => {
      await feed.close();
      await listener.close();
    },
  };
}

async function startRaw(): Promise<Source> {
  const socket = new Publisher({ sendHighWaterMark: 0 });
  await socket.bind("tcp://127.0.0.1:*");
  const frames = [TOPIC, BODY];
  return {
    to: socket.lastEndpoint ?? "",
    kind: "raw",
    publish: async (count) => {
      for (let left = count; left > 0; left--) await socket.send(frames);
    },
    [Symbol.asyncDispose]: async () => socket.close(),
  };
}

async function startNats(): Promise<Source | string> {
  const missing = brokerMissing();
  if (missing !== undefined) return missing;
  const broker = await startBroker();
  const connection = await connect({ servers: broker.servers });
  return {
    to: broker.servers,
    kind: "nats",
    publish: async (count) => {
      for (let at = 0; at < count; at++) {
        connection.publish(TOPIC, BODY);
        if (at % TURN === TURN - 1) await new Promise((resolve) => setImmediate(resolve));
      }
      await connection.flush();
    },
    [Symbol.asyncDispose]: async () => {
      await connection.close();
      await broker[Symbol.asyncDispose]();
    },
  };
}
