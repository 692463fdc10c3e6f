import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { PlanStep } from "@zeroplane/deploy-api";
import { LineSplitter } from "./lines.ts";

/** One line a step printed. */
export interface BuildLine {
  readonly stream: "stdout" | "stderr";
  readonly line: string;
  readonly step: string;
}

/** What a step runs in. */
export interface StepOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Wall-clock limit, milliseconds; the smaller of this and the step's own counts. */
  readonly timeoutMs: number;
  readonly output: BuildOutput;
  readonly signal: AbortSignal;
}

/** How a step ended. */
export interface StepEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly timedOut: boolean;
  /** Why the program could not be started at all. */
  readonly startError?: Error;
  readonly lastLines: readonly string[];
}

const LAST_LINES = 100;

/** How long a process group may take to end after SIGTERM before it gets SIGKILL, milliseconds. */
const GRACE_MS = 2_000;

/** Hands lines on up to a cap and counts what is over it, over all steps of one build. */
export class BuildOutput {
  readonly #onLine: (line: BuildLine) => void;
  readonly #capBytes: number;
  #bytes = 0;
  #droppedLines = 0;
  #droppedBytes = 0;

  /**
   * @param onLine gets every line
   * @param capBytes how much is handed on; what is over it is only counted
   */
  constructor(onLine: (line: BuildLine) => void, capBytes: number) {
    this.#onLine = onLine;
    this.#capBytes = capBytes;
  }

  /** Hands one line on, or counts it. */
  push(line: BuildLine): void {
    const bytes = Buffer.byteLength(line.line) + 1;
    this.#bytes += bytes;
    if (this.#bytes <= this.#capBytes) return this.#onLine(line);
    this.#droppedLines++;
    this.#droppedBytes += bytes;
  }

  /** Says at the end of a step what was not handed on since the last call. */
  reportDropped(step: string): void {
    if (this.#droppedLines === 0) return;
    const what = `${this.#droppedLines} lines (${this.#droppedBytes} bytes)`;
    const line = `[zeroplane] ${what} of output left out: over the cap of ${this.#capBytes} bytes`;
    this.#onLine({ stream: "stderr", line, step });
    this.#droppedLines = 0;
    this.#droppedBytes = 0;
  }
}

/**
 * Runs one step in a process group of its own and reads its output to the end. On abort or at its
 * time limit the whole group gets SIGTERM and, 2 s later, SIGKILL.
 * @param step what to run
 * @param options where, with which limits, and who gets the lines
 * @returns how it ended; it never throws for the step's own failure
 */
export async function runStep(step: PlanStep, options: StepOptions): Promise<StepEnd> {
  const last: string[] = [];
  const take = (stream: BuildLine["stream"], lines: readonly string[]): void => {
    for (const line of lines) {
      if (last.push(line) > LAST_LINES) last.shift();
      options.output.push({ stream, line, step: step.name });
    }
  };
  const child = start(step, options);
  follow(child.stdout, (lines) => take("stdout", lines));
  follow(child.stderr, (lines) => take("stderr", lines));
  const end = await untilEnd(child, Math.min(options.timeoutMs, step.timeoutMs), options.signal);
  options.output.reportDropped(step.name);
  return { ...end, lastLines: last };
}

function start(step: PlanStep, options: StepOptions): ChildProcess {
  const [program = "", ...args] = step.shell
    ? ["/bin/sh", "-c", step.command.join(" ")]
    : step.command;
  return spawn(program, args, {
    cwd: options.cwd,
    env: { ...options.env },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function follow(pipe: Readable | null, take: (lines: readonly string[]) => void): void {
  const splitter = new LineSplitter();
  pipe?.on("data", (chunk: Buffer) => take(splitter.push(chunk)));
  pipe?.once("close", () => take(splitter.end()));
}

type Ended = Omit<StepEnd, "lastLines">;

async function untilEnd(child: ChildProcess, limitMs: number, signal: AbortSignal): Promise<Ended> {
  let timedOut = false;
  let startError: Error | undefined;
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const stop = (): void => void endGroup(child, closed);
  const timer = setTimeout(() => {
    timedOut = true;
    stop();
  }, limitMs);
  child.once("error", (error) => {
    startError = error;
  });
  // A daemon that a step left behind would hold the pipe, and the build, for ever.
  child.once("exit", stop);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  try {
    await closed;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
  const { exitCode: code, signalCode } = child;
  return { code, signal: signalCode, timedOut, ...(startError ? { startError } : {}) };
}

async function endGroup(child: ChildProcess, closed: Promise<void>): Promise<void> {
  signalGroup(child, "SIGTERM");
  await Promise.race([closed, sleep(GRACE_MS, undefined, { ref: false })]);
  signalGroup(child, "SIGKILL");
  await Promise.race([closed, sleep(GRACE_MS, undefined, { ref: false })]);
  // Whoever still holds the pipe left the group on purpose; the build does not wait for it.
  child.stdout?.destroy();
  child.stderr?.destroy();
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // Nobody is left in the group.
  }
}
