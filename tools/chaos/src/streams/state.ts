import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "@zeroplane/link/testing";
import { FaultProxy } from "../fault-proxy.ts";
import { freePort } from "../work/town.ts";
import { Cast, harm, until } from "./cast.ts";
import { COUNTER, type Shown } from "./state-process.ts";

const SCRIPT = new URL("state-process.ts", import.meta.url);
const VIEWERS = ["a", "b", "c"];
const FAULTS_MS = 30_000;
const SETTLE_MS = 20_000;

/**
 * `npm run chaos -- state`: an owner and viewers that add to a counter and hold keys are killed,
 * stopped and cut off. No view goes back; no addition that was answered is lost or done twice
 * within a life of the owner; at rest all are equal, and what a dead process held is gone.
 */
export async function chaosState(seed: number): Promise<object> {
  const random = new Random(seed);
  const endpoint = `tcp://127.0.0.1:${await freePort()}`;
  await using proxy = await FaultProxy.open({ target: endpoint, seed });
  await using cast = await startCast(endpoint, proxy.endpoint);
  const names = ["owner", ...VIEWERS];
  const done = await harm(cast, { random, names, cut: () => proxy.cut(), forMs: FAULTS_MS });
  for (const name of names) await cast.ask(name, { rest: true });
  await until(SETTLE_MS, () => difference(cast));
  const owner = await cast.ask<Shown>("owner", {});
  const counter = new Map(owner.entries).get(COUNTER) ?? 0;
  const { added, perhaps } = additions(cast.folder, owner.epoch);
  if (counter < added || counter > added + perhaps) {
    throw new Error(`${added} were added, ${perhaps} perhaps, and the counter is at ${counter}`);
  }
  return { seed, ...done, versions: owner.version, counter, added, perhaps };
}

async function startCast(endpoint: string, behind: string): Promise<Cast> {
  const cast = new Cast();
  await cast.start("owner", SCRIPT, ["owner", endpoint]);
  for (const name of VIEWERS) {
    await cast.start(name, SCRIPT, ["viewer", behind, name, historyOf(cast.folder, name)]);
  }
  return cast;
}

const historyOf = (folder: string, name: string): string => join(folder, `${name}.history`);

/** @returns why not all is as it should be at rest */
async function difference(cast: Cast): Promise<string | undefined> {
  const owner = await cast.ask<Shown>("owner", {});
  const held = owner.entries.filter(([key]) => key.startsWith("held/")).map(([key]) => key);
  const wanted: string[] = [];
  for (const name of VIEWERS) {
    const shown = await cast.ask<Shown>(name, {});
    if (shown.broken.length > 0) throw new Error(shown.broken.join("; "));
    wanted.push(`held/${name}/${await cast.ask<number>(name, { pid: true })}`);
    if (shown.epoch !== owner.epoch) return `${name} shows another life of the owner`;
    if (JSON.stringify(shown.entries) !== JSON.stringify(owner.entries)) {
      return `${name} shows ${shown.entries.length} keys, the owner has ${owner.entries.length}`;
    }
  }
  const isHeld = JSON.stringify(held) === JSON.stringify(wanted);
  return isHeld ? undefined : `${held.join(", ")} are held, not ${wanted.join(", ")}`;
}

/** What was added in that life of the owner, by what the viewers have written down. */
function additions(folder: string, epoch: number): { added: number; perhaps: number } {
  const counts = { "?": 0, "+": 0, "-": 0 };
  for (const name of VIEWERS) {
    const history = historyOf(folder, name);
    if (!existsSync(history)) continue;
    for (const line of readFileSync(history, "utf8").split("\n")) {
      const [kind, of] = line.split(" ");
      if (of === String(epoch) && kind !== undefined && kind in counts) {
        counts[kind as keyof typeof counts]++;
      }
    }
  }
  return { added: counts["+"], perhaps: counts["?"] - counts["+"] - counts["-"] };
}
