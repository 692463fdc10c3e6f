import type { Random } from "@zeroplane/link/testing";
import type { LogFiles } from "../feed/log-files.ts";

interface MemoryFile {
  bytes: Buffer;
  /** Bytes that survive a power failure. */
  synced: number;
}

/** Files of a simulated publisher. What was not synced may be lost, torn or zeroed by a crash. */
export class MemoryFiles implements LogFiles {
  readonly #files = new Map<string, MemoryFile>();
  readonly #random: Random;
  /** While true, every write is refused, some after a part was written. */
  isFull = false;

  constructor(random: Random) {
    this.#random = random;
  }

  list(): string[] {
    return [...this.#files.keys()].sort();
  }

  size(name: string): number {
    return this.#file(name).bytes.length;
  }

  read(name: string, at: number, length: number): Buffer {
    return Buffer.from(this.#file(name).bytes.subarray(at, at + length));
  }

  write(name: string, at: number, bytes: Uint8Array): void {
    const part = this.isFull ? this.#random.between(0, bytes.length - 1) : bytes.length;
    if (part > 0) {
      const file = this.#file(name);
      const grown = Buffer.alloc(Math.max(file.bytes.length, at + part));
      file.bytes.copy(grown);
      grown.set(bytes.subarray(0, part), at);
      file.bytes = grown;
      file.synced = Math.min(file.synced, at);
    }
    if (this.isFull) throw Object.assign(new Error("no space left"), { code: "ENOSPC" });
  }

  sync(name: string): void {
    const file = this.#file(name);
    file.synced = file.bytes.length;
  }

  truncate(name: string, length: number): void {
    const file = this.#file(name);
    file.bytes = file.bytes.subarray(0, length);
    file.synced = Math.min(file.synced, length);
  }

  remove(name: string): void {
    this.#files.delete(name);
  }

  close(): void {
    for (const file of this.#files.values()) file.synced = file.bytes.length;
  }

  /** The power goes: of what was not synced a part is there, and some of that may be zeroes. */
  crash(): void {
    for (const [name, file] of this.#files) {
      const loose = file.bytes.length - file.synced;
      if (loose === 0) continue;
      const kept = file.synced + this.#random.between(0, loose);
      file.bytes = Buffer.from(file.bytes.subarray(0, kept));
      if (kept > file.synced && this.#random.chance(0.3)) {
        const from = this.#random.between(file.synced, kept - 1);
        file.bytes.fill(0, from, this.#random.between(from + 1, kept));
      }
      file.synced = kept;
      if (kept === 0) this.#files.delete(name);
    }
  }

  /** A byte somewhere in the middle of a file rots. @returns whether there was one */
  rot(): boolean {
    const large = [...this.#files.values()].filter(({ bytes }) => bytes.length > ROTTABLE_BYTES);
    if (large.length === 0) return false;
    const { bytes } = this.#random.pick(large);
    // The first record says whose log it is; without it there is no log to go on with.
    const at = this.#random.between(ROTTABLE_BYTES, bytes.length - 1);
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << this.#random.between(0, 7)), at);
    return true;
  }

  #file(name: string): MemoryFile {
    let file = this.#files.get(name);
    if (file === undefined) {
      file = { bytes: Buffer.alloc(0), synced: 0 };
      this.#files.set(name, file);
    }
    return file;
  }
}

const ROTTABLE_BYTES = 60;
