import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { ProcessLog } from "./process-log.ts";
import { killFamily, send } from "./process-table.ts";

/** A process to keep running. */
export interface ProcessSpec {
  /** Its name, unique among those of a platform. */
  readonly node: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** File of what it prints. */
  readonly log: string;
}

/** How a process ended that nobody had asked to. */
export interface Crash {
  readonly node: string;
  /** `exit code 1` or `SIGKILL`. */
  readonly how: string;
  readonly exitCode: number | null;
  /** Crashes since it last ran for long. */
  readonly crashes: number;
  /** When it is started again. */
  readonly restartInMs: number;
}

/** What is told of a supervised process. */
export interface SupervisedEvents {
  started(node: string, pid: number): void;
  crashed(crash: Crash): void;
}

const FIRST_MS = 200;
const CAP_MS = 5_000;
/** After this long a crash counts as the first one. */
const STABLE_MS = 10_000;
const STOP_MS = 15_000;

/** One process, started again whenever it ends by itself: after 0.2 s, then twice as long, … 5 s. */
export class Supervised {
  readonly spec: ProcessSpec;
  readonly #events: SupervisedEvents;
  readonly #log: ProcessLog;
  #child: ChildProcess | undefined;
  #timer: NodeJS.Timeout | undefined;
  #crashes = 0;
  #stopping = false;

  constructor(spec: ProcessSpec, events: SupervisedEvents) {
    this.spec = spec;
    this.#events = events;
    this.#log = new ProcessLog(spec.log);
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** The last lines that it printed. */
  lastLines(count: number): string[] {
    return this.#log.lastLines(count);
  }

  start(): void {
    if (this.#stopping) return;
    const { node, args, cwd, env } = this.spec;
    const startedAtMs = performance.now();
    // Its own group: a Ctrl-C at the terminal is for us, who stop everything in order.
    const child = spawn(process.execPath, args, {
      cwd,
      env,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => this.#log.write(chunk));
    }
    child.on("error", (error) => this.#ended(child, { how: error.message, startedAtMs }));
    child.on("exit", (code, signal) =>
      this.#ended(child, { how: signal ?? `exit code ${code}`, exitCode: code, startedAtMs }),
    );
    if (child.pid !== undefined) this.#events.started(node, child.pid);
  }

  /** Asks it to end, and makes it end after 15 s. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#timer);
    const child = this.#child;
    if (child?.pid !== undefined) {
      const ended = once(child, "exit");
      send(child.pid, "SIGTERM");
      const late = setTimeout(() => killFamily([child.pid ?? 0]), STOP_MS);
      await ended;
      clearTimeout(late);
    }
    this.#log[Symbol.dispose]();
  }

  /** Ends it and everything below it, now. */
  kill(): void {
    this.#stopping = true;
    clearTimeout(this.#timer);
    if (this.pid !== undefined) killFamily([this.pid]);
  }

  #ended(
    child: ChildProcess,
    about: {
      readonly how: string;
      readonly exitCode?: number | null;
      readonly startedAtMs: number;
    },
  ): void {
    if (this.#child !== child) return;
    this.#child = undefined;
    // What it has left behind in its group must not outlive it.
    if (child.pid !== undefined) send(-child.pid, "SIGKILL");
    if (this.#stopping) return;
    if (performance.now() - about.startedAtMs >= STABLE_MS) this.#crashes = 0;
    this.#crashes++;
    const restartInMs = Math.min(CAP_MS, FIRST_MS * 2 ** (this.#crashes - 1));
    const { how, exitCode = null } = about;
    const { node } = this.spec;
    this.#timer = setTimeout(() => this.start(), restartInMs);
    this.#events.crashed({ node, how, exitCode, crashes: this.#crashes, restartInMs });
  }
}
