import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

/** One running process. */
interface Entry {
  readonly pid: number;
  readonly parent: number;
}

/**
 * When the process `pid` was started, as text that is the same each time it is asked and never the
 * same for another process of that number; `undefined` when there is none.
 */
export function startOf(pid: number): string | undefined {
  if (process.platform !== "linux") return askPs(["-o", "lstart=", "-p", String(pid)])?.trim();
  const fields = statOf(pid);
  if (fields === undefined || fields[0] === "Z") return undefined;
  return `${bootId()}:${fields[19] ?? ""}`;
}

/** Every process below `pids`, nearest first, and `pids` themselves. */
export function familyOf(pids: readonly number[]): number[] {
  const children = Map.groupBy(listProcesses(), ({ parent }) => parent);
  const family = new Set(pids);
  for (const pid of family) for (const child of children.get(pid) ?? []) family.add(child.pid);
  return [...family];
}

/** Sends a signal to a process, or to a group when `pid` is negative; one that is gone is fine. */
export function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has ended, which is what was wanted.
  }
}

/** Ends processes with everything below them, at once. */
export function killFamily(pids: readonly number[]): void {
  for (const pid of familyOf(pids)) send(pid, "SIGKILL");
}

function listProcesses(): Entry[] {
  if (process.platform !== "linux") {
    const lines = (askPs(["-A", "-o", "pid=,ppid="]) ?? "").split("\n");
    return lines.map((line) => {
      const [pid = 0, parent = 0] = line.trim().split(/\s+/).map(Number);
      return { pid, parent };
    });
  }
  return readdirSync("/proc")
    .map(Number)
    .filter(Number.isInteger)
    .flatMap((pid) => {
      const parent = statOf(pid)?.[1];
      return parent === undefined ? [] : [{ pid, parent: Number(parent) }];
    });
}

/** Fields of /proc/<pid>/stat from the third, the state, on (proc(5)). */
function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}

function askPs(args: readonly string[]): string | undefined {
  try {
    return execFileSync("ps", args, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  } catch {
    return undefined;
  }
}
