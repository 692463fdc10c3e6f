import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "@zeroplane/link/testing";
import { killed } from "../work/town.ts";

interface Actor {
  readonly script: URL;
  readonly args: readonly string[];
  child: ChildProcess;
}

/** What was done to processes. */
export interface Harm {
  kills: number;
  stops: number;
  cuts: number;
}

const ANSWER_MS = 20_000;

/** Processes by name, which are killed and begin again with the same words. */
export class Cast implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "zp-chaos-"));
  readonly #actors = new Map<string, Actor>();

  /** Starts one; it is there when it has said its first word. */
  async start(name: string, script: URL, args: readonly string[]): Promise<void> {
    const child = fork(script, args, { execArgv: ["-C", "@zeroplane/source"] });
    this.#actors.set(name, { script, args, child });
    await said(name, child);
  }

  /** As `kill -9` does, then starts it again. */
  async kill(name: string): Promise<void> {
    const actor = this.#actor(name);
    await killed(actor.child);
    await this.start(name, actor.script, actor.args);
  }

  /** It stands still for so long. */
  async stop(name: string, ms: number): Promise<void> {
    const { child } = this.#actor(name);
    child.kill("SIGSTOP");
    await sleep(ms);
    child.kill("SIGCONT");
  }

  /** Asks it something. @throws Error when it does not answer in 20 s */
  async ask<T>(name: string, question: object): Promise<T> {
    const { child } = this.#actor(name);
    child.send(question);
    return (await said(name, child)) as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#actors.values()].map(({ child }) => killed(child)));
    rmSync(this.folder, { recursive: true, force: true });
  }

  #actor(name: string): Actor {
    const actor = this.#actors.get(name);
    if (actor === undefined) throw new RangeError(`no process ${name}`);
    return actor;
  }
}

/** The next thing that it says. @throws Error when it ends before, or says nothing in 20 s */
async function said(name: string, child: ChildProcess): Promise<unknown> {
  const over = new AbortController();
  const signal = AbortSignal.any([over.signal, AbortSignal.timeout(ANSWER_MS)]);
  const ended = once(child, "exit", { signal }).then(([code, by]) => {
    throw new Error(`${name} has ended: ${String(code ?? by)}`);
  });
  try {
    const [value] = (await Promise.race([once(child, "message", { signal }), ended])) as unknown[];
    return value;
  } finally {
    ended.catch(() => undefined);
    over.abort();
  }
}

/** What a nemesis may do, and for how long. */
export interface Plan {
  readonly random: Random;
  readonly names: readonly string[];
  /** Cuts the lines; without it they end only with their processes. */
  readonly cut?: () => void;
  readonly forMs: number;
}

const PAUSE_MS: readonly [number, number] = [200, 800];
const STOP_MS: readonly [number, number] = [300, 2_000];

/** Kills, stops and cuts by chance, one after the other, for so long; all is well when it ends. */
export async function harm(cast: Cast, { random, names, cut, forMs }: Plan): Promise<Harm> {
  const done: Harm = { kills: 0, stops: 0, cuts: 0 };
  const kinds = ["kill", "stop", ...(cut === undefined ? [] : ["cut"])];
  const untilMs = performance.now() + forMs;
  while (performance.now() < untilMs) {
    await sleep(random.between(...PAUSE_MS));
    const kind = random.pick(kinds);
    const name = random.pick(names);
    if (kind === "kill") {
      done.kills++;
      await cast.kill(name);
    } else if (kind === "stop") {
      done.stops++;
      await cast.stop(name, random.between(...STOP_MS));
    } else {
      done.cuts++;
      cut?.();
    }
  }
  return done;
}

/** Asks again and again until it holds. @throws Error with the last reason after `ms` */
export async function until(ms: number, why: () => Promise<string | undefined>): Promise<void> {
  const deadline = performance.now() + ms;
  for (;;) {
    const reason = await why();
    if (reason === undefined) return;
    if (performance.now() > deadline) throw new Error(`after ${ms} ms ${reason}`);
    await sleep(200);
  }
}
