import { listen } from "@zeroplane/link";
import { openState } from "@zeroplane/patterns";
import { median } from "../load.ts";
import { PeerProcess } from "../peer-process.ts";
import { NAME } from "../streams/body.ts";

/** What of states was measured: a view in another process. */
export interface StateReport {
  readonly keys: number;
  /** From dialling to the whole snapshot, with the line. */
  readonly snapshotMs: number;
  /** Changes a second, until the view says that it has the last. */
  readonly deltasPerSecond: number;
  /** From `set` to the word of the view that it has applied it. */
  readonly seenMs: { readonly p50: number; readonly p99: number };
}

const KEYS = 100_000;
const QUICK = { snapshots: 3, deltas: 50_000, seen: 500 };
const FULL = { snapshots: 7, deltas: 300_000, seen: 3_000 };
const TURN = 200;

/** Snapshot, changes in bulk, and one change alone. */
export async function measureState(isQuick: boolean): Promise<StateReport> {
  const { snapshots, deltas, seen } = isQuick ? QUICK : FULL;
  await using listener = await listen("tcp://127.0.0.1:*");
  await using state = openState<object>(NAME, listener);
  const value = (number: number): object => ({ host: "10.0.0.1", port: number, up: true });
  state.update(() => {
    for (let at = 0; at < KEYS; at++) state.set(`routes/app-${at}`, value(at));
  });
  const snapshotMs: number[] = [];
  for (let round = 0; round < snapshots; round++) {
    await using peer = await view(listener.endpoint);
    snapshotMs.push((peer.ready as { snapshotMs: number }).snapshotMs);
  }
  await using _peer = await view(listener.endpoint);
  const startMs = performance.now();
  for (let at = 0; at < deltas; at++) {
    state.set(`routes/app-${at % KEYS}`, value(at));
    if (at % TURN === TURN - 1) await new Promise((resolve) => setImmediate(resolve));
  }
  await state.seen(state.version, { timeoutMs: 60_000 });
  const deltasPerSecond = Math.round(deltas / ((performance.now() - startMs) / 1_000));
  const waits: number[] = [];
  for (let at = 0; at < seen; at++) {
    const fromMs = performance.now();
    await state.seen(state.set("routes/app-0", value(at)), { timeoutMs: 10_000 });
    waits.push(performance.now() - fromMs);
  }
  waits.sort((a, b) => a - b);
  const at = (share: number): number =>
    Number((waits[Math.floor(waits.length * share)] ?? 0).toFixed(3));
  const seenMs = { p50: at(0.5), p99: at(0.99) };
  return { keys: KEYS, snapshotMs: median(snapshotMs), deltasPerSecond, seenMs };
}

const view = (to: string): Promise<PeerProcess> =>
  PeerProcess.fork(new URL("../streams/view-process.ts", import.meta.url), [to]);

/** The report for people. */
export const stateLines = ({
  keys,
  snapshotMs,
  deltasPerSecond,
  seenMs,
}: StateReport): string[] => [
  `state of ${keys} keys: a new view has it after ${snapshotMs} ms`,
  `${deltasPerSecond} changes a second; one alone is seen after ${seenMs.p50} ms (p50), ${seenMs.p99} ms (p99)`,
];
