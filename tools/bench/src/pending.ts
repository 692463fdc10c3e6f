/** A caller in a process of its own: says by how many bytes calls that nobody answers fill its heap. */
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "@zeroplane/rpc";
import { answerParent } from "./peer-process.ts";
import type { Sums } from "./peers/zeroplane.ts";

const SETTLE_MS = 300;
const WARM_CALLS = 10_000;

const client = connect<Sums>(process.argv[2] ?? "");
for (let i = 0; i < WARM_CALLS; i++) await client.add(1, 2);
answerParent("ready", async ({ calls }: { readonly calls: number }) => {
  const pending: Promise<number>[] = Array.from({ length: calls });
  const before = await heapBytes();
  for (let i = 0; i < calls; i++) pending[i] = client.hold(i, i);
  const after = await heapBytes();
  return pending.length === calls ? after - before : 0;
});

async function heapBytes(): Promise<number> {
  await sleep(SETTLE_MS);
  globalThis.gc?.();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
