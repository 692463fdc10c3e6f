import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";

/** The few things a log does with files. Each may throw what the file system throws. */
export interface LogFiles {
  /** Names of the files, sorted. */
  list(): string[];
  /** Length in bytes. */
  size(name: string): number;
  /** Up to `length` bytes from `at` on; fewer at the end. */
  read(name: string, at: number, length: number): Buffer;
  /** Writes all of `bytes` from `at` on; the file is made when it is not there. */
  write(name: string, at: number, bytes: Uint8Array): void;
  /** Makes what was written survive a power failure. */
  sync(name: string): void;
  truncate(name: string, length: number): void;
  remove(name: string): void;
  /** Lets go of every file. */
  close(): void;
}

/** Files of one folder, which is made when it is not there. */
export class FolderFiles implements LogFiles {
  readonly #folder: string;
  /** Descriptors, the one that was used last at the end. */
  readonly #open = new Map<string, number>();
  /** Files whose names a power failure may take. */
  readonly #fresh = new Set<string>();

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
  }

  list(): string[] {
    return readdirSync(this.#folder).sort();
  }

  size(name: string): number {
    return statSync(join(this.#folder, name)).size;
  }

  read(name: string, at: number, length: number): Buffer {
    const bytes = Buffer.alloc(length);
    let done = 0;
    while (done < length) {
      const count = readSync(this.#file(name), bytes, done, length - done, at + done);
      if (count === 0) break;
      done += count;
    }
    return bytes.subarray(0, done);
  }

  write(name: string, at: number, bytes: Uint8Array): void {
    let done = 0;
    while (done < bytes.length) {
      done += writeSync(this.#file(name), bytes, done, bytes.length - done, at + done);
    }
  }

  sync(name: string): void {
    fsyncSync(this.#file(name));
    if (!this.#fresh.delete(name)) return;
    const folder = openSync(this.#folder, constants.O_RDONLY);
    try {
      fsyncSync(folder);
    } finally {
      closeSync(folder);
    }
  }

  truncate(name: string, length: number): void {
    ftruncateSync(this.#file(name), length);
  }

  remove(name: string): void {
    const file = this.#open.get(name);
    if (file !== undefined) closeSync(file);
    this.#open.delete(name);
    this.#fresh.delete(name);
    rmSync(join(this.#folder, name), { force: true });
  }

  close(): void {
    for (const file of this.#open.values()) closeSync(file);
    this.#open.clear();
  }

  #file(name: string): number {
    const known = this.#open.get(name);
    if (known === undefined) this.#makeRoom();
    const file = known ?? this.#opened(name);
    this.#open.delete(name);
    this.#open.set(name, file);
    return file;
  }

  #opened(name: string): number {
    const path = join(this.#folder, name);
    if (!existsSync(path)) this.#fresh.add(name);
    return openSync(path, CREATE, 0o600);
  }

  #makeRoom(): void {
    const [oldest] = this.#open;
    if (oldest === undefined || this.#open.size < OPEN_MAX) return;
    closeSync(oldest[1]);
    this.#open.delete(oldest[0]);
  }
}

const OPEN_MAX = 64;
/** Reads and writes at any place, and makes the file when it is not there. */
const CREATE = constants.O_RDWR | constants.O_CREAT;
