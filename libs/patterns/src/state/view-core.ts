import { decode } from "@zeroplane/link";
import type { Versioned } from "./owner-core.ts";
import type { WireChange } from "./protocol.ts";

/** One key as a viewer sees it change; `value` is `undefined` when it was removed. */
export interface ViewChange<T> {
  readonly key: string;
  readonly value: T | undefined;
  /** The version of the state at which it was set, or that is without it. */
  readonly version: number;
}

/** What of a view can be put on the disk. */
export interface Copy<T> {
  /** Which life of the owner it is of. */
  readonly epoch: number;
  readonly version: number;
  readonly entries: readonly (readonly [key: string, value: T, version: number])[];
}

/** A piece of a snapshot. */
export interface Piece {
  readonly epoch: number;
  readonly version: number;
  readonly entries: readonly WireChange[];
  readonly isLast: boolean;
  /** Which snapshot it is of. */
  readonly number: number;
}

/** A copy of a state or of a part of it, from a snapshot and the changes after it. */
export class ViewCore<T> {
  #entries = new Map<string, Versioned<T>>();
  /** Of a snapshot that is not whole yet. */
  #pieces: Map<string, Versioned<T>> | undefined;
  #number = 0;
  #version = 0;
  #epoch = 0;
  #hasSnapshot = false;

  /** Version of the state that is shown; 0 before there is one. */
  get version(): number {
    return this.#version;
  }

  get epoch(): number {
    return this.#epoch;
  }

  /** True when changes go on from what is here. */
  get hasSnapshot(): boolean {
    return this.#hasSnapshot;
  }

  /** True while pieces of a snapshot come. */
  get isFilling(): boolean {
    return this.#pieces !== undefined;
  }

  at(key: string): Versioned<T> | undefined {
    return this.#entries.get(key);
  }

  *values(under: string): Generator<[string, Versioned<T>]> {
    for (const entry of this.#entries) if (entry[0].startsWith(under)) yield entry;
  }

  /** @returns what is different from before, once the snapshot is whole */
  piece({ epoch, version, entries, isLast, number }: Piece): ViewChange<T>[] | undefined {
    // Another number: the snapshot before was given up.
    if (number !== this.#number) this.#pieces = undefined;
    const pieces = this.#pieces ?? new Map<string, Versioned<T>>();
    [this.#pieces, this.#number] = [pieces, number];
    for (const [key, bytes, at = version] of entries) {
      if (bytes === undefined) pieces.delete(key);
      else pieces.set(key, { value: decode(bytes) as T, version: at, epoch });
    }
    return isLast ? this.#replace(epoch, version, pieces) : undefined;
  }

  /** What changed since. @returns the changes, or `undefined` when it says nothing here */
  delta(version: number, changes: readonly WireChange[]): ViewChange<T>[] | undefined {
    if (!this.#hasSnapshot) return undefined;
    this.#version = version;
    return changes.map(([key, bytes]) => {
      if (bytes === undefined) {
        this.#entries.delete(key);
        return { key, value: undefined, version };
      }
      const value = decode(bytes) as T;
      this.#entries.set(key, { value, version, epoch: this.#epoch });
      return { key, value, version };
    });
  }

  /** The owner is away: what is here stays, and the next snapshot replaces it. */
  lost(): void {
    this.#hasSnapshot = false;
    this.#pieces = undefined;
  }

  /** Shows a copy from the disk until the owner is there. */
  restore({ epoch, version, entries }: Copy<T>): void {
    this.#entries = new Map(
      entries.map(([key, value, at]) => [key, { value, version: at, epoch }]),
    );
    [this.#epoch, this.#version] = [epoch, version];
  }

  /** What is shown, for the disk. */
  copy(): Copy<T> {
    const entries = Array.from(
      this.#entries,
      ([key, { value, version }]) => [key, value, version] as const,
    );
    return { epoch: this.#epoch, version: this.#version, entries };
  }

  #replace(epoch: number, version: number, entries: Map<string, Versioned<T>>): ViewChange<T>[] {
    const changes: ViewChange<T>[] = [];
    for (const [key, { value, version: at }] of entries) {
      const before = this.#entries.get(key);
      if (before?.version !== at || before.epoch !== epoch)
        changes.push({ key, value, version: at });
    }
    for (const key of this.#entries.keys()) {
      if (!entries.has(key)) changes.push({ key, value: undefined, version });
    }
    this.#entries = entries;
    [this.#epoch, this.#version, this.#hasSnapshot] = [epoch, version, true];
    this.#pieces = undefined;
    return changes;
  }
}
