/** Followers of a contestant, in a process of their own: each counts what it gets. */

import { jetstream } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { follow } from "@zeroplane/patterns";
import { Subscriber } from "zeromq";
import { answerParent } from "../peer-process.ts";
import { NAME, TOPIC } from "./body.ts";

/** What the parent asks: wait until each follower has so many, or `ms` have passed. */
export interface Wait {
  readonly atLeast: number;
  readonly ms: number;
}

/** What each follower has, and the time since the first of all came, milliseconds. */
export interface Got {
  readonly counts: readonly number[];
  readonly forMs: number;
}

const POLL_MS = 1;
const [kind = "", to = "", count = "1"] = process.argv.slice(2);
const counts = Array.from({ length: Number(count) }, () => 0);

const START: Readonly<Record<string, (count: () => void) => void | Promise<void>>> = {
  zeroplane: (add) => void follow(to, NAME, { topics: [TOPIC], onItem: add }),
  log: (add) => void follow(to, NAME, { topics: [TOPIC], from: "start", onItem: add }),
  raw: (add) => {
    const socket = new Subscriber({ receiveHighWaterMark: 0 });
    socket.connect(to);
    socket.subscribe(TOPIC);
    void (async () => {
      for await (const _ of socket) add();
    })();
  },
  jetstream: async (add) => {
    const connection = await connect({ servers: to });
    const consumer = await jetstream(connection as never).consumers.get("BENCH");
    const messages = await consumer.consume({ max_messages: 5_000 });
    void (async () => {
      for await (const _ of messages) add();
    })();
  },
  nats: async (add) => {
    const connection = await connect({ servers: to });
    connection.subscribe(TOPIC, { callback: add });
    await connection.flush();
  },
};

let firstMs = 0;
for (const at of counts.keys())
  await START[kind]?.(() => {
    if (firstMs === 0) firstMs = performance.now();
    counts[at] = (counts[at] ?? 0) + 1;
  });
answerParent("ready", async ({ atLeast, ms }: Wait): Promise<Got> => {
  const deadline = performance.now() + ms;
  while (counts.some((each) => each < atLeast) && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return { counts, forMs: performance.now() - firstMs };
});
