import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { listen } from "@zeroplane/link";
import { openFeed } from "@zeroplane/patterns";
import { PeerProcess } from "../peer-process.ts";
import { brokerMissing, startBroker } from "../peers/nats-broker.ts";
import { BODY, NAME, TOPIC } from "./body.ts";
import type { Got } from "./followers-process.ts";

/** Messages a second that a new follower reads of what is on disk, from its first one on. */
export interface CatchUp {
  readonly messages: number;
  readonly zeroplane: number;
  readonly "NATS JetStream"?: number;
}

const SCRIPT = new URL("followers-process.ts", import.meta.url);
const TURN = 500;
const WAIT_MS = 120_000;
const STREAM = "BENCH";

/** Puts `messages` into a log on disk, then lets a follower in another process read all of it. */
export async function measureCatchUp(messages: number): Promise<CatchUp> {
  const folder = mkdtempSync(join(tmpdir(), "zp-bench-"));
  try {
    const zeroplane = await ours(join(folder, "log"), messages);
    const theirs = brokerMissing() === undefined ? await nats(join(folder, "js"), messages) : 0;
    return { messages, zeroplane, ...(theirs > 0 && { "NATS JetStream": theirs }) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function ours(folder: string, messages: number): Promise<number> {
  await using listener = await listen("tcp://127.0.0.1:*");
  const log = { bytes: 2 ** 31 };
  await using feed = await openFeed<Uint8Array>(NAME, listener, { folder, log });
  for (let at = 0; at < messages; at++) {
    feed.put(TOPIC, BODY);
    if (at % TURN === TURN - 1) await new Promise((resolve) => setImmediate(resolve));
  }
  return await read("log", listener.endpoint, messages);
}

async function nats(folder: string, messages: number): Promise<number> {
  await using broker = await startBroker(folder);
  const connection = await connect({ servers: broker.servers });
  const manager = await jetstreamManager(connection as never);
  await manager.streams.add({ name: STREAM, subjects: [TOPIC] });
  const stream = jetstream(connection as never);
  for (let left = messages; left > 0; left -= TURN) {
    await Promise.all(Array.from({ length: TURN }, () => stream.publish(TOPIC, BODY)));
  }
  await connection.close();
  return await read("jetstream", broker.servers, messages);
}

async function read(kind: string, to: string, messages: number): Promise<number> {
  await using peer = await PeerProcess.fork(SCRIPT, [kind, to, "1"]);
  const { counts, forMs } = await peer.ask<Got>({ atLeast: messages, ms: WAIT_MS });
  const [count = 0] = counts;
  if (count < messages) throw new Error(`${kind}: ${count} of ${messages} were read`);
  return Math.round(messages / (forMs / 1_000));
}
