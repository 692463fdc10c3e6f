import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { killFamily, send, startOf } from "./process-table.ts";
import { type Crash, type ProcessSpec, Supervised } from "./supervised.ts";

/** What the file of running processes says of one. */
interface Running {
  readonly node: string;
  readonly pid: number;
  readonly start: string;
}

/** Name of the file in a data folder that remembers which processes run. */
export const PROCESSES_NAME = "processes.json";

const LEFTOVER_MS = 5_000;
const POLL_MS = 50;

/**
 * The processes of a platform. A file remembers which of them run, so that the next `zp up` can end
 * those that a killed one has left behind.
 */
export class Processes {
  readonly #file: string;
  readonly #onCrash: (crash: Crash) => void;
  readonly #supervised = new Map<string, Supervised>();
  readonly #running = new Map<string, Running>();
  readonly #kill = (): void => this.kill();

  /**
   * @param file which remembers what runs
   * @param onCrash hears of each process that ends by itself; it is started again
   */
  constructor(file: string, onCrash: (crash: Crash) => void) {
    this.#file = file;
    this.#onCrash = onCrash;
    // Whatever ends this process, nothing that it has started stays.
    process.on("exit", this.#kill);
  }

  /** Starts one, and keeps it running. */
  start(spec: ProcessSpec): void {
    const supervised = new Supervised(spec, {
      started: (node, pid) => this.#remember({ node, pid, start: startOf(pid) ?? "" }),
      crashed: this.#onCrash,
    });
    this.#supervised.set(spec.node, supervised);
    supervised.start();
  }

  /** The last lines that one printed. */
  lastLines(node: string, count: number): string[] {
    return this.#supervised.get(node)?.lastLines(count) ?? [];
  }

  /**
   * Stops all.
   * @param stages names; those of one stage stop together, the stages one after another
   */
  async stop(stages: readonly (readonly string[])[]): Promise<void> {
    for (const stage of stages) {
      await Promise.all(stage.map(async (node) => this.#supervised.get(node)?.stop()));
    }
    process.off("exit", this.#kill);
    rmSync(this.#file, { force: true });
  }

  /** Ends all, with everything below them, now. */
  kill(): void {
    for (const supervised of this.#supervised.values()) supervised.kill();
  }

  #remember(running: Running): void {
    this.#running.set(running.node, running);
    const next = `${this.#file}.${process.pid}`;
    writeFileSync(next, `${JSON.stringify([...this.#running.values()])}\n`);
    renameSync(next, this.#file);
  }
}

/**
 * Ends the processes that the file names and that still run: SIGTERM, after 5 s SIGKILL. Pids that
 * belong to others by now are left alone. Only for who holds the lock of the data folder.
 * @returns the names of those that were there
 */
export async function endLeftovers(file: string): Promise<string[]> {
  const isThere = ({ pid, start }: Running): boolean => startOf(pid) === start;
  const left = readRunning(file).filter(isThere);
  for (const { pid } of left) send(pid, "SIGTERM");
  const deadline = performance.now() + LEFTOVER_MS;
  while (left.some(isThere) && performance.now() < deadline) await sleep(POLL_MS);
  killFamily(left.filter(isThere).map(({ pid }) => pid));
  rmSync(file, { force: true });
  return left.map(({ node }) => node);
}

function readRunning(file: string): Running[] {
  try {
    const value: unknown = JSON.parse(readFileSync(file, "utf8"));
    return Array.isArray(value) ? (value as Running[]).filter(({ pid }) => pid > 1) : [];
  } catch {
    return [];
  }
}
