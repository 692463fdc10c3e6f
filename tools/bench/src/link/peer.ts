/**
 * One side of a contestant in a process of its own.
 * Arguments: name, then `listen` or `dial`, then JSON of what {@link PeerConfig} says.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { machineMs, runLoad } from "../load.ts";
import { answerParent } from "../peer-process.ts";
import type { BenchKeys, Contestant } from "./contestant.ts";
import { ours } from "./ours.ts";
import { raw } from "./raw.ts";

/** What a side needs to know. */
export interface PeerConfig {
  /** Where to dial, or to bind. */
  readonly endpoint?: string;
  readonly keys?: BenchKeys;
}

/** The first thing a listening side says. */
export interface Bound {
  readonly endpoint: string;
  /** By the clock that all processes of a machine share, milliseconds. */
  readonly boundAtMs: number;
}

/** What a listening side tells of itself. */
export interface Sample {
  readonly count: number;
  readonly peers: number;
  readonly nowMs: number;
  readonly rssBytes: number;
  readonly cpuMs: number;
  /** Since the last sample. */
  readonly lagP99Ms: number;
}

type Question =
  | { readonly blast: number; readonly ms: number }
  | { readonly inFlight: number; readonly ms: number }
  | { readonly crowd: number };

const contestants: readonly Contestant[] = [ours, raw];
const [name, side, json = "{}"] = process.argv.slice(2);
const config = JSON.parse(json) as PeerConfig;
const contestant = contestants.find((each) => each.name === name);
if (contestant === undefined) throw new Error(`no contestant ${String(name)}`);
await (side === "listen" ? listenAs(contestant) : dialAs(contestant, config.endpoint ?? ""));

async function listenAs(chosen: Contestant): Promise<void> {
  const listening = await chosen.listen(config.keys, config.endpoint);
  const bound: Bound = { endpoint: listening.endpoint, boundAtMs: machineMs() };
  const lag = monitorEventLoopDelay({ resolution: 5 });
  lag.enable();
  answerParent(bound, ({ collect = false }: { readonly collect?: boolean }): Sample => {
    if (collect) globalThis.gc?.();
    const { user, system } = process.cpuUsage();
    const lagP99Ms = lag.percentile(99) / 1e6;
    lag.reset();
    return {
      count: listening.count(),
      peers: listening.peers(),
      nowMs: performance.now(),
      rssBytes: process.memoryUsage.rss(),
      cpuMs: (user + system) / 1_000,
      lagP99Ms,
    };
  });
}

async function dialAs(chosen: Contestant, endpoint: string): Promise<void> {
  const dialled = chosen.dial(endpoint, config.keys);
  await dialled.ready();
  answerParent("ready", async (question: Question) => {
    if ("blast" in question) return dialled.blast(question.blast, question.ms);
    if ("inFlight" in question) return runLoad(() => dialled.call(), question);
    const crowd = Array.from({ length: question.crowd }, () =>
      chosen.dial(endpoint, config.keys).ready(),
    );
    await Promise.all(crowd);
    return undefined;
  });
}
