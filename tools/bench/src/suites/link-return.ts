import { setTimeout as sleep } from "node:timers/promises";
import { dial, type Session } from "@zeroplane/link";
import { Random } from "@zeroplane/link/testing";
import { CALL_BYTES, ECHOED } from "../link/contestant.ts";
import type { Bound } from "../link/peer.ts";
import { startPeer } from "../link/start-peer.ts";
import { machineMs } from "../load.ts";
import { type Times, toTimes } from "./link-deaths.ts";

const NAME = "zeroplane";
const VERB = 1;
const READY_MS = 10_000;
const AWAY_MS = [50, 3_000] as const;

/**
 * A listener is killed and started again on its port 50 to 3 000 ms later: from the moment it is
 * bound to the first answer. It knows nothing of the session, which therefore begins anew.
 */
export async function measureReturn(rounds: number): Promise<Times> {
  const random = new Random(1);
  let peer = await startPeer(NAME, "listen", {});
  const { endpoint } = peer.ready as Bound;
  await using session = dial(endpoint);
  const samples: number[] = [];
  try {
    await session.ready(READY_MS);
    while (samples.length < rounds) {
      peer.kill();
      await sleep(random.between(...AWAY_MS));
      const answered = firstAnswer(session);
      peer = await startPeer(NAME, "listen", { endpoint });
      samples.push((await answered) - (peer.ready as Bound).boundAtMs);
    }
  } finally {
    await peer[Symbol.asyncDispose]();
  }
  return toTimes(samples);
}

/** Calls as soon as the session is up. @returns when the answer came */
async function firstAnswer(session: Session): Promise<number> {
  const body = Buffer.alloc(CALL_BYTES, ECHOED);
  const { promise, resolve } = Promise.withResolvers<number>();
  const detach = session.attach(VERB, { receive: () => resolve(machineMs()) });
  const stop = session.watch((state) => {
    if (state === "up") session.send(VERB, body);
  });
  try {
    return await promise;
  } finally {
    detach();
    stop();
  }
}
