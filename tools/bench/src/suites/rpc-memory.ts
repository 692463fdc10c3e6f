import { PeerProcess } from "../peer-process.ts";

const PENDING = 10_000;

/** What one of 10 000 calls that wait for an answer holds of the caller's heap, bytes. */
export async function measurePendingCall(endpoint: string): Promise<number> {
  await using caller = await PeerProcess.fork(
    new URL("../pending.ts", import.meta.url),
    [endpoint],
    {
      execArgv: ["--expose-gc"],
    },
  );
  return Math.round((await caller.ask<number>({ calls: PENDING })) / PENDING);
}
