import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import type { DesiredInstance, ObservedInstance, ProcessExit } from "@zeroplane/deploy-api";
import { AppProcess, type OutputStream } from "./app-process.ts";
import { instanceEnv } from "./instance-env.ts";
import type { PidJournal } from "./pid-journal.ts";
import type { Ports } from "./ports.ts";
import { type ProbeTarget, ProbeTranscript, probe } from "./probe.ts";
import type { Releases } from "./releases.ts";
import { messageOf } from "./runner-error.ts";
import { restartPauseMs, type Timing } from "./timing.ts";

/** One line an instance printed. */
export interface InstanceLine {
  readonly instance: string;
  readonly stream: OutputStream;
  readonly line: string;
}

/** What all instances of a runner share. */
export interface InstanceHost {
  /** Name of the runner. */
  readonly runner: string;
  /** Each instance gets a folder in here as its HOME, removed when it is stopped. */
  readonly homes: string;
  readonly releases: Releases;
  readonly ports: Ports;
  readonly journal: PidJournal;
  readonly timing: Timing;
  /** Must not throw. */
  readonly onLine: (line: InstanceLine) => void;
  /** Must not throw. */
  readonly onObserved: (observed: ObservedInstance) => void;
}

/** How one run of the process went. */
interface Run {
  readonly reason: string;
  readonly healthyMs: number;
  readonly exit?: ProcessExit;
  readonly lastLines: readonly string[];
  readonly probes: readonly string[];
}

type Changes = Pick<ObservedInstance, "state"> & Partial<ObservedInstance>;

/**
 * One supervised process of an artifact. It is started, probed, watched and started again with growing
 * pauses for as long as it is wanted. One that never became healthy is reported as `failed` each time,
 * and still tried again: whoever wants it decides when to give up.
 */
export class Instance implements AsyncDisposable {
  readonly desired: DesiredInstance;
  readonly #host: InstanceHost;
  readonly #stopping = new AbortController();
  readonly #home: string;
  #observed: ObservedInstance;
  #life: Promise<void> | undefined;
  #port: number | undefined;
  #wasHealthy = false;
  #restarts = -1;

  /**
   * @param desired what ought to run
   * @param host what the runner's instances share
   */
  constructor(desired: DesiredInstance, host: InstanceHost) {
    this.desired = desired;
    this.#host = host;
    this.#home = join(host.homes, `i-${encodeURIComponent(desired.id)}`);
    this.#observed = this.#observe({ state: "starting" });
  }

  /** What is seen of it now. */
  get observed(): ObservedInstance {
    return this.#observed;
  }

  /** True once {@link stop} was called. */
  get isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /** Starts it; more calls change nothing. */
  start(): void {
    this.#life ??= this.#live();
  }

  /** Ends it: SIGTERM to its group, SIGKILL when its time is over. Resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#life;
  }

  /** The same as {@link stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #live(): Promise<void> {
    this.#report({ state: "starting" });
    const { timing } = this.#host;
    let crashes = 0;
    while (!this.isStopping) {
      const run = await this.#run();
      if (this.isStopping) break;
      crashes = run.healthyMs >= timing.forgiveMs ? 1 : crashes + 1;
      const { reason, exit, lastLines, probes } = run;
      const state = this.#wasHealthy ? "restarting" : "failed";
      this.#report({ state, reason, lastLines, probes, ...(exit ? { exit } : {}) });
      const leastMs = this.#wasHealthy ? 0 : timing.backoffMs;
      await pause(Math.max(leastMs, restartPauseMs(crashes, timing)), this.#stopping.signal);
    }
    if (this.#port !== undefined) this.#host.ports.release(this.#port);
    await rm(this.#home, { recursive: true, force: true }).catch(() => {});
    const { exit } = this.#observed;
    this.#report({ state: "stopped", ...(exit ? { exit } : {}) });
  }

  /** One start to its end; never throws, and never leaves a process behind. */
  async #run(): Promise<Run> {
    const transcript = new ProbeTranscript();
    let started: AppProcess | undefined;
    try {
      started = await this.#start();
      if (started === undefined) return nothingRan("stopped");
      this.#noteStart(started);
      const failure = await this.#becomeHealthy(started, transcript);
      const healthyFromMs = performance.now();
      const reason = failure ?? (await this.#watch(started, transcript));
      const healthyMs = failure === undefined ? performance.now() - healthyFromMs : 0;
      const exit = await this.#end(started);
      const { lastLines } = started;
      return { reason, healthyMs, exit, lastLines, probes: transcript.lines };
    } catch (error) {
      if (started !== undefined) await started.stop(this.#host.timing.stopMs);
      return nothingRan(messageOf(error));
    }
  }

  async #start(): Promise<AppProcess | undefined> {
    const { desired } = this;
    const opening = this.#host.releases.open(desired.artifact);
    const cwd = await unlessAborted(opening, this.#stopping.signal);
    await mkdir(this.#home, { recursive: true });
    const port = await this.#choosePort();
    if (cwd === undefined || this.isStopping) return undefined;
    const onLine = (stream: OutputStream, line: string): void =>
      this.#host.onLine({ instance: desired.id, stream, line });
    const env = instanceEnv(desired, this.#home, port);
    return new AppProcess({ command: desired.command, cwd, env, onLine });
  }

  #noteStart(started: AppProcess): void {
    if (started.pid !== undefined) this.#host.journal.add(this.desired.id, started.pid);
    this.#restarts++;
    const { state, reason, lastLines, probes } = this.#observed;
    this.#report({
      state,
      ...(reason === undefined ? {} : { reason }),
      ...(lastLines === undefined ? {} : { lastLines }),
      ...(probes === undefined ? {} : { probes }),
      ...(started.pid === undefined ? {} : { pid: started.pid }),
    });
  }

  async #end(started: AppProcess): Promise<ProcessExit> {
    const exit = await started.stop(this.#host.timing.stopMs);
    if (started.pid !== undefined) this.#host.journal.remove(started.pid);
    this.#observed = { ...this.#observed, exit };
    return exit;
  }

  /** The port of the last run, unless somebody else took it while the app was down. */
  async #choosePort(): Promise<number> {
    const { ports } = this.#host;
    if (this.#port !== undefined && (await ports.isFree(this.#port))) return this.#port;
    if (this.#port !== undefined) ports.release(this.#port);
    this.#port = undefined;
    this.#port = await ports.take();
    return this.#port;
  }

  /** Probes until the first success. @returns why there was none, or undefined */
  async #becomeHealthy(
    started: AppProcess,
    transcript: ProbeTranscript,
  ): Promise<string | undefined> {
    const { timing } = this.#host;
    const limitMs = this.desired.health.timeoutMs ?? timing.startMs;
    const wake = AbortSignal.any([this.#stopping.signal, started.ended]);
    const endMs = performance.now() + limitMs;
    let waitMs = timing.probeMinMs;
    for (;;) {
      const leftMs = Math.max(1, endMs - performance.now());
      const seen = await probe(this.#target(), Math.ceil(Math.min(timing.probeTimeoutMs, leftMs)));
      transcript.add(seen.text);
      if (this.isStopping) return "stopped";
      if (started.ended.aborted) {
        return `${await endOf(started)} before it answered on port ${this.#port}`;
      }
      if (seen.ok) break;
      if (performance.now() >= endMs) return silence(limitMs, seen.text);
      await pause(Math.min(waitMs, endMs - performance.now()), wake);
      waitMs = Math.min(timing.probeMaxMs, waitMs * 1.5);
    }
    this.#wasHealthy = true;
    this.#report({ state: "healthy", ...(started.pid === undefined ? {} : { pid: started.pid }) });
    return undefined;
  }

  /** Waits until a healthy process ends or stops answering. @returns why it is not healthy any more */
  async #watch(started: AppProcess, transcript: ProbeTranscript): Promise<string> {
    const { timing } = this.#host;
    const wake = AbortSignal.any([this.#stopping.signal, started.ended]);
    let failures = 0;
    for (;;) {
      await pause(timing.livenessMs, wake);
      if (this.isStopping) return "stopped";
      if (started.ended.aborted) return await endOf(started);
      const seen = await probe(this.#target(), timing.probeTimeoutMs);
      failures = seen.ok ? 0 : failures + 1;
      if (!seen.ok) transcript.add(seen.text);
      if (failures >= timing.livenessFailures) return `${failures} probes failed: ${seen.text}`;
    }
  }

  #target(): ProbeTarget {
    const { path } = this.desired.health;
    const address = { host: this.#host.ports.host, port: this.#port ?? 0 };
    return path === undefined ? address : { ...address, path };
  }

  #report(changes: Changes): void {
    this.#observed = this.#observe(changes);
    this.#host.onObserved(this.#observed);
  }

  #observe(changes: Changes): ObservedInstance {
    const { id, app, release } = this.desired;
    const address = { host: this.#host.ports.host, port: this.#port };
    return {
      id,
      app,
      release,
      runner: this.#host.runner,
      restarts: Math.max(0, this.#restarts),
      ...(address.port === undefined ? {} : { host: address.host, port: address.port }),
      ...changes,
      atMs: Date.now(),
    };
  }
}

function silence(limitMs: number, last: string): string {
  const hint = "it must listen on the port in the variable PORT";
  return `not healthy within ${limitMs / 1000} s, last probe: ${last}; ${hint}`;
}

function nothingRan(reason: string): Run {
  return { reason, healthyMs: 0, lastLines: [], probes: [] };
}

async function endOf(ended: AppProcess): Promise<string> {
  if (ended.startError !== undefined) return `cannot be started: ${ended.startError}`;
  const { code, signal } = await ended.exited;
  return code === null
    ? `the process was ended by ${signal}`
    : `the process ended with code ${code}`;
}

/** Waits, or less when the signal fires; never throws. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const stop = (): void => resolve(undefined);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
