import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import type { ProcessExit } from "@zeroplane/deploy-api";
import { LineSplitter } from "./lines.ts";

/** Where a line of an app came from. */
export type OutputStream = "stdout" | "stderr";

/** What a process is started with. */
export interface AppProcessOptions {
  /** Run by `/bin/sh -c`. */
  readonly command: string;
  readonly cwd: string;
  /** The whole environment; nothing is added. */
  readonly env: Readonly<Record<string, string>>;
  readonly onLine: (stream: OutputStream, line: string) => void;
}

/** Lines kept for the record of a failure. */
const LAST_LINES = 100;

/** How long the rest of a group may take to end after its leader died, milliseconds. */
const ORPHANS_MS = 2_000;

/** How long to wait after SIGKILL before the pipes are closed from this side, milliseconds. */
const KILLED_MS = 1_000;

/**
 * One started process with its group. Its end is reported only after both pipes were read to their
 * end, so its last words are never lost.
 */
export class AppProcess {
  /** Process id and process group id. Undefined when it could not be started. */
  readonly pid: number | undefined;
  /** Resolves when the process is gone and its output was read; never rejects. */
  readonly exited: Promise<ProcessExit>;
  /** Fires together with {@link exited}, for waits that end with the process. */
  readonly ended: AbortSignal;
  readonly #child: ChildProcess;
  readonly #lastLines: string[] = [];
  #startError: string | undefined;
  #ending: Promise<void> | undefined;

  /** Starts it. @param options what, where and who gets its lines */
  constructor(options: AppProcessOptions) {
    this.#child = spawn("/bin/sh", ["-c", options.command], {
      cwd: options.cwd,
      env: { ...options.env },
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.pid = this.#child.pid;
    this.#follow(this.#child.stdout, (line) => options.onLine("stdout", line));
    this.#follow(this.#child.stderr, (line) => options.onLine("stderr", line));
    this.#child.once("error", (error) => {
      this.#startError = error.message;
    });
    this.#child.once("exit", () => {
      this.#ending ??= this.#end(ORPHANS_MS);
    });
    const ended = new AbortController();
    this.ended = ended.signal;
    this.exited = new Promise((resolve) => {
      this.#child.once("close", () => {
        ended.abort();
        resolve({ code: this.#child.exitCode, signal: this.#child.signalCode });
      });
    });
  }

  /** Why it could not be started, when that happened. */
  get startError(): string | undefined {
    return this.#startError;
  }

  /** Its last lines, oldest first, at most 100. */
  get lastLines(): readonly string[] {
    return [...this.#lastLines];
  }

  /**
   * Ends the whole group: SIGTERM, then SIGKILL when the time is over.
   * @param graceMs how long the app may take, milliseconds
   */
  async stop(graceMs: number): Promise<ProcessExit> {
    this.#ending ??= this.#end(graceMs);
    await this.#ending;
    return await this.exited;
  }

  async #end(graceMs: number): Promise<void> {
    this.#signal("SIGTERM");
    await Promise.race([this.exited, sleep(graceMs, undefined, { ref: false })]);
    this.#signal("SIGKILL");
    await Promise.race([this.exited, sleep(KILLED_MS, undefined, { ref: false })]);
    // Whoever still holds a pipe left the group on purpose.
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.pid === undefined) return;
    try {
      process.kill(-this.pid, signal);
    } catch {
      // Nobody is left in the group.
    }
  }

  #follow(pipe: Readable | null, hand: (line: string) => void): void {
    const splitter = new LineSplitter();
    const take = (lines: readonly string[]): void => {
      for (const line of lines) {
        if (this.#lastLines.push(line) > LAST_LINES) this.#lastLines.shift();
        hand(line);
      }
    };
    pipe?.on("data", (chunk: Buffer) => take(splitter.push(chunk)));
    pipe?.once("close", () => take(splitter.end()));
  }
}
