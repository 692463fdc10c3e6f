import { Random } from "@zeroplane/link/testing";
import type { PipeStats, SenderStats } from "@zeroplane/patterns";
import { FaultProxy } from "../fault-proxy.ts";
import { freePort } from "../work/town.ts";
import { Cast, harm, until } from "./cast.ts";

interface Sent extends PipeStats {
  readonly node: string;
  readonly pushed: number;
}

const SCRIPT = new URL("pipe-process.ts", import.meta.url);
const SENDERS = ["a", "b", "c"];
const FAULTS_MS = 20_000;
const SETTLE_MS = 10_000;

/**
 * `npm run chaos -- pipe`: senders of telemetry and their collector are killed, stopped and cut
 * off. At rest every message of a sender that lives has come, or is counted as lost, as dropped, or
 * as one that was there before the collector.
 */
export async function chaosPipe(seed: number): Promise<object> {
  const random = new Random(seed);
  const endpoint = `tcp://127.0.0.1:${await freePort()}`;
  await using proxy = await FaultProxy.open({ target: endpoint, seed });
  await using cast = new Cast();
  await cast.start("collector", SCRIPT, ["collector", endpoint]);
  for (const name of SENDERS) await cast.start(name, SCRIPT, ["sender", proxy.endpoint, name]);
  const names = ["collector", ...SENDERS];
  const done = await harm(cast, { random, names, cut: () => proxy.cut(), forMs: FAULTS_MS });
  for (const name of SENDERS) await cast.ask(name, { rest: true });
  const counts = { received: 0, lost: 0, dropped: 0, before: 0, repeated: 0 };
  await until(SETTLE_MS, async () => {
    Object.assign(counts, { received: 0, lost: 0, dropped: 0, before: 0, repeated: 0 });
    for (const name of SENDERS) {
      const sent = await cast.ask<Sent>(name, {});
      const stats = await cast.ask<SenderStats[]>("collector", {});
      const came = stats.find(({ node }) => node === sent.node);
      if (came === undefined) return `nothing has come of ${sent.node}`;
      for (const key of Object.keys(counts) as (keyof typeof counts)[]) counts[key] += came[key];
      const { received, lost, dropped, before } = came;
      // What was pushed with this question is still on its way.
      const known = received + lost + dropped + before + sent.waiting;
      if (known < sent.pushed - 1 || known > sent.pushed) {
        return `${sent.node} pushed ${sent.pushed}: ${JSON.stringify({ ...came, waiting: sent.waiting })}`;
      }
    }
    return undefined;
  });
  return { seed, ...done, ...counts };
}
