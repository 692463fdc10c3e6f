import { closeSync, mkdirSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import { spoolName } from "./names.ts";
import { headRecord, messageRecord, type SpoolHead, type SpoolMessage } from "./record.ts";

/** Both files of a spool together, bytes. */
const SPOOL_BYTES_MAX = 8 * 1024 * 1024;
const FILE_BYTES_MAX = SPOOL_BYTES_MAX / 2;
/** A file is written for so long at most, so that it can go soon after what is in it was sent. */
const FILE_MS_MAX = 5_000;
/** What the pipe has given to the network is safe after so long. */
const SETTLE_MS = 2_000;
/** After a write that failed nothing is written for so long. */
const FAILED_MS = 5_000;

interface File {
  readonly path: string;
  readonly fd: number;
  readonly madeMs: number;
  bytes: number;
  spans: number;
  lastMs: number;
}

/** Options of a {@link Spool}. */
export interface SpoolOptions {
  /** Folder; made when it is not there. */
  readonly folder: string;
  readonly about: Omit<SpoolHead, "dropped">;
}

/**
 * What was given to the pipe and may not have left this process yet, in at most two files of 4 MiB: it is there
 * after a kill -9, since what is written belongs to the kernel. Without room the older file goes, and its spans are counted.
 */
export class Spool implements Disposable {
  readonly #options: SpoolOptions;
  #current: File | undefined;
  #older: File | undefined;
  #number = 0;
  /** When it was last seen that everything so far had left, by `performance.now()`. */
  #emptyMs = 0;
  /** What has not ended, as it was last written: each new file begins with it. */
  #open: SpoolMessage | undefined;
  #failedMs = Number.NEGATIVE_INFINITY;
  /** Spans of files that were given up without having been sent. */
  dropped = 0;
  /** Spans that could not be written: the disk is full, or the folder gone. */
  failed = 0;

  constructor(options: SpoolOptions) {
    this.#options = options;
  }

  /** Bytes in its files. */
  get bytes(): number {
    return (this.#current?.bytes ?? 0) + (this.#older?.bytes ?? 0);
  }

  /** Writes `messages` at once, with one write. Never throws: what cannot be written is counted. */
  write(messages: readonly SpoolMessage[]): void {
    const spans = messages.reduce((sum, each) => sum + each.spans, 0);
    const nowMs = performance.now();
    if (nowMs - this.#failedMs < FAILED_MS) {
      this.failed += spans;
      return;
    }
    try {
      const records = Buffer.concat(messages.map(messageRecord));
      const file = this.#fileFor(records.length, nowMs);
      writeSync(file.fd, records);
      file.bytes += records.length;
      file.spans += spans;
      file.lastMs = nowMs;
    } catch {
      this.#failedMs = nowMs;
      this.failed += spans;
    }
  }

  /** Writes what has not ended; without a message that is nothing. */
  writeOpen(open: SpoolMessage | undefined): void {
    this.#open = open;
    if (open !== undefined) this.write([open]);
  }

  /** Everything that was given to the pipe has left it. */
  left(): void {
    this.#emptyMs = performance.now();
  }

  /** Removes files of which everything is safe. @returns true when none is left */
  settle(): boolean {
    if (this.#isSafe(this.#older)) this.#removeOlder();
    if (this.#isSafe(this.#current)) this.#renew();
    return this.#current === undefined && this.#older === undefined;
  }

  /** Removes everything. */
  clear(): void {
    this.#removeOlder();
    this.#removeCurrent();
  }

  /** Leaves the files to the next process. */
  [Symbol.dispose](): void {
    for (const file of [this.#older, this.#current]) if (file !== undefined) closeSync(file.fd);
    this.#older = undefined;
    this.#current = undefined;
  }

  #isSafe(file: File | undefined): boolean {
    if (file === undefined || this.#emptyMs < file.lastMs) return false;
    return performance.now() - file.lastMs > SETTLE_MS;
  }

  #fileFor(bytes: number, nowMs: number): File {
    const current = this.#current;
    if (current !== undefined) {
      const isFull = current.bytes + bytes > FILE_BYTES_MAX;
      const mayTurn = this.#older === undefined || this.#isSafe(this.#older);
      if (!isFull && (nowMs - current.madeMs < FILE_MS_MAX || !mayTurn)) return current;
      if (!mayTurn) this.dropped += this.#older?.spans ?? 0;
      this.#removeOlder();
      this.#older = current;
    }
    this.#current = this.#make(nowMs);
    return this.#current;
  }

  #make(nowMs: number): File {
    const { folder, about } = this.#options;
    mkdirSync(folder, { recursive: true });
    const path = join(folder, spoolName(about.boot, this.#number++));
    const fd = openSync(path, "ax", 0o600);
    const begin = [headRecord({ ...about, dropped: this.dropped })];
    if (this.#open !== undefined) begin.push(messageRecord(this.#open));
    const bytes = writeSync(fd, Buffer.concat(begin));
    return { path, fd, madeMs: nowMs, bytes, spans: 0, lastMs: nowMs };
  }

  /** What has not ended stays written. */
  #renew(): void {
    const before = this.#current;
    if (this.#open !== undefined && before?.spans === 0) return;
    this.#current = undefined;
    if (this.#open !== undefined) this.write([]);
    remove(before);
  }

  #removeOlder(): void {
    remove(this.#older);
    this.#older = undefined;
  }

  #removeCurrent(): void {
    remove(this.#current);
    this.#current = undefined;
  }
}

function remove(file: File | undefined): void {
  if (file === undefined) return;
  closeSync(file.fd);
  rmSync(file.path, { force: true });
}
