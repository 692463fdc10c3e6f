import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { CliError } from "../cli-error.ts";
import { startOf } from "./process-table.ts";

/** Who holds a lock. */
export interface LockHolder {
  readonly pid: number;
  /** What tells this process from a later one of the same number. */
  readonly start: string;
}

/** Name of the lock in a data folder. */
export const LOCK_NAME = "up.pid";

const TRIES = 5;

/** A file that at most one living process holds; a crash of its holder frees it. */
export class PidLock implements Disposable {
  readonly #file: string;

  private constructor(file: string) {
    this.#file = file;
  }

  /**
   * @param file its folder must be there
   * @throws CliError ERR_CLI_RUNNING when another process holds it
   */
  static take(file: string): PidLock {
    const own = `${file}.${process.pid}`;
    const holder: LockHolder = { pid: process.pid, start: startOf(process.pid) ?? "" };
    writeFileSync(own, `${JSON.stringify(holder)}\n`);
    try {
      for (let left = TRIES; left > 0; left--) {
        if (link(own, file)) return new PidLock(file);
        const other = PidLock.holder(file);
        if (other !== undefined) throw running(other);
        setAside(file);
      }
    } finally {
      rmSync(own, { force: true });
    }
    throw new CliError("ERR_CLI_RUNNING", `could not take ${file}; others keep taking it`);
  }

  /** The living process that holds `file`. */
  static holder(file: string): LockHolder | undefined {
    const holder = read(file);
    return holder !== undefined && startOf(holder.pid) === holder.start ? holder : undefined;
  }

  [Symbol.dispose](): void {
    if (read(this.#file)?.pid === process.pid) rmSync(this.#file, { force: true });
  }
}

/** Unlike a check and a write, a hard link is made by one of two rivals only. */
function link(own: string, file: string): boolean {
  try {
    linkSync(own, file);
    return true;
  } catch (error) {
    if (isExisting(error)) return false;
    throw error;
  }
}

/** Takes the lock of a dead process away; one that a rival has just taken is put back. */
function setAside(file: string): void {
  const aside = `${file}.${process.pid}.old`;
  try {
    renameSync(file, aside);
  } catch {
    return; // a rival was faster
  }
  if (PidLock.holder(aside) !== undefined) link(aside, file);
  rmSync(aside, { force: true });
}

function read(file: string): LockHolder | undefined {
  try {
    const value = JSON.parse(readFileSync(file, "utf8")) as Partial<LockHolder>;
    const { pid, start } = value;
    return Number.isInteger(pid) && typeof start === "string"
      ? { pid: Number(pid), start }
      : undefined;
  } catch {
    return undefined;
  }
}

const isExisting = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "EEXIST";

const running = ({ pid }: LockHolder): CliError =>
  new CliError("ERR_CLI_RUNNING", `already running here (pid ${pid}); stop it with: zp down`);
