import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";

interface Entry {
  readonly pid: number;
  readonly instance: string;
  /** Field 22 of /proc/<pid>/stat, clock ticks since boot: with the pid it names one process for ever. */
  readonly startTicks: string;
  readonly bootId: string;
}

/**
 * Remembers on disk which process groups a runner started, so that the next runner can end those a
 * crash left behind. Needs Linux's `/proc`; elsewhere it remembers nothing and ends nothing.
 */
export class PidJournal {
  readonly #file: string;
  #entries: readonly Entry[] = [];

  /** @param file where it is kept; its folder is made */
  constructor(file: string) {
    this.#file = file;
    mkdirSync(dirname(file), { recursive: true });
  }

  /** Notes a started group leader. Written before it returns: a crash may come right after. */
  add(instance: string, pid: number): void {
    const startTicks = processAt(pid)?.startTicks;
    if (startTicks === undefined) return;
    this.#write([...this.#entries, { pid, instance, startTicks, bootId: bootId() }]);
  }

  /** Forgets a group that has ended. */
  remove(pid: number): void {
    this.#write(this.#entries.filter((entry) => entry.pid !== pid));
  }

  /**
   * Ends the groups that the journal on disk names and that still live: SIGTERM, then SIGKILL. A pid
   * that belongs to another process by now is left alone. Call it once, before anything is started.
   * @param graceMs how long they may take, milliseconds
   * @returns names of the instances that had processes left
   */
  async endLeftovers(graceMs: number): Promise<readonly string[]> {
    const left = this.#read().filter((entry) => isLeft(entry));
    for (const entry of left) signalGroup(entry.pid, "SIGTERM");
    const endMs = performance.now() + graceMs;
    while (left.some((entry) => isLeft(entry)) && performance.now() < endMs) await sleep(50);
    for (const entry of left.filter((one) => isLeft(one))) signalGroup(entry.pid, "SIGKILL");
    this.#write([]);
    return left.map((entry) => entry.instance);
  }

  #read(): readonly Entry[] {
    try {
      const value: unknown = JSON.parse(readFileSync(this.#file, "utf8"));
      return Array.isArray(value) ? (value as unknown[]).filter(isEntry) : [];
    } catch {
      return [];
    }
  }

  #write(entries: readonly Entry[]): void {
    this.#entries = entries;
    const temporary = `${this.#file}.new`;
    writeFileSync(temporary, JSON.stringify(entries));
    renameSync(temporary, this.#file);
  }
}

interface Process {
  readonly group: number;
  readonly startTicks: string;
  readonly isZombie: boolean;
}

/** @see proc_pid_stat(5): fields are counted from the end of the name, which may hold anything. */
function processAt(pid: number): Process | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const startTicks = fields[19] ?? "";
    return { group: Number(fields[2]), startTicks, isZombie: fields[0] === "Z" };
  } catch {
    return undefined;
  }
}

/** The leader itself, or a member of its group that carries the instance's name. */
function isLeft(entry: Entry): boolean {
  if (entry.bootId !== bootId()) return false;
  const leader = processAt(entry.pid);
  if (leader?.startTicks === entry.startTicks && !leader.isZombie) return true;
  return pids().some((pid) => {
    const member = processAt(pid);
    return member?.group === entry.pid && !member.isZombie && carries(pid, entry.instance);
  });
}

function carries(pid: number, instance: string): boolean {
  try {
    const env = readFileSync(`/proc/${pid}/environ`, "utf8");
    return env.split("\0").includes(`ZP_INSTANCE=${instance}`);
  } catch {
    return false;
  }
}

function pids(): number[] {
  return readdirSync("/proc").flatMap((name) => (/^\d+$/.test(name) ? [Number(name)] : []));
}

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended between the look and the signal.
  }
}

function isEntry(value: unknown): value is Entry {
  if (typeof value !== "object" || value === null) return false;
  const { pid, instance, startTicks, bootId: boot } = value as Record<string, unknown>;
  const texts = [instance, startTicks, boot].every((text) => typeof text === "string");
  return texts && Number.isInteger(pid) && Number(pid) > 1;
}
