import type { Random } from "./random.ts";

interface File {
  synced: Uint8Array;
  /** Writes since the last sync, oldest first; the operating system may have kept any of them. */
  writes: { readonly at: number; readonly bytes: Uint8Array }[];
}

/** Where a torn write may end: disks write sectors whole. */
const SECTOR_BYTES = 512;

function patched(base: Uint8Array, at: number, bytes: Uint8Array): Uint8Array {
  const grown = new Uint8Array(Math.max(base.length, at + bytes.length));
  grown.set(base);
  grown.set(bytes, at);
  return grown;
}

/** The disk of one simulated node. What was not synced may be lost, kept or torn by a crash. */
export class Disk {
  readonly #files = new Map<string, File>();
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Names of the files, sorted. */
  list(): string[] {
    return [...this.#files.keys()].sort();
  }

  /** The file as the running process sees it, or `undefined` when there is none. */
  read(name: string): Uint8Array | undefined {
    const file = this.#files.get(name);
    return file?.writes.reduce((base, { at, bytes }) => patched(base, at, bytes), file.synced);
  }

  /** Writes `bytes` from `at` on; not safe before `sync`. */
  write(name: string, at: number, bytes: Uint8Array): void {
    const file = this.#files.get(name) ?? { synced: new Uint8Array(0), writes: [] };
    file.writes.push({ at, bytes: Uint8Array.from(bytes) });
    this.#files.set(name, file);
  }

  /** Adds `bytes` at the end. */
  append(name: string, bytes: Uint8Array): void {
    this.write(name, this.read(name)?.length ?? 0, bytes);
  }

  /** Makes everything written to `name` so far survive a crash. */
  sync(name: string): void {
    const file = this.#files.get(name);
    if (file === undefined) return;
    file.synced = this.read(name) ?? file.synced;
    file.writes = [];
  }

  /** The power goes: each unsynced write is kept, lost, or torn at a sector, whatever its order. */
  crash(): void {
    for (const [name, file] of this.#files) {
      const kept = file.writes.flatMap(({ at, bytes }) => {
        const fate = this.#random.between(0, 2);
        if (fate === 0) return [];
        return [{ at, bytes: fate === 1 ? bytes : this.#torn(at, bytes) }];
      });
      // A file whose every write was lost was never there.
      if (kept.length === 0 && file.synced.length === 0) this.#files.delete(name);
      file.synced = kept.reduce((base, { at, bytes }) => patched(base, at, bytes), file.synced);
      file.writes = [];
    }
  }

  #torn(at: number, bytes: Uint8Array): Uint8Array {
    const first = SECTOR_BYTES - (at % SECTOR_BYTES);
    const sectors = Math.max(0, Math.ceil((bytes.length - first) / SECTOR_BYTES));
    return bytes.subarray(0, first + this.#random.between(0, sectors) * SECTOR_BYTES);
  }
}
