import type { Versioned } from "./owner-core.ts";

/** One key as a viewer sees it change; `value` is `undefined` when it was removed. */
export interface ViewChange<T> {
  readonly key: string;
  readonly value: T | undefined;
  /** The version of the state at which it was set, or that is without it. */
  readonly version: number;
}

/** A key with its value and version, or a key alone that was removed. */
export type WireChange = readonly [key: string, value?: unknown, version?: number];

/** What a view can be put on the disk as. */
export interface Copy {
  /** Which life of the owner it is of. */
  readonly epoch: number;
  readonly version: number;
  readonly entries: readonly WireChange[];
}

/** A copy of a state or of a part of it, from a snapshot and the changes after it. */
export class ViewCore<T> {
  readonly #entries = new Map<string, Versioned<T>>();
  #version = 0;
  #epoch = 0;
  #hasSnapshot = false;

  /** Version of the state that is shown; 0 before there is one. */
  get version(): number {
    return this.#version;
  }

  /** True when changes go on from what is here. */
  get hasSnapshot(): boolean {
    return this.#hasSnapshot;
  }

  /** What `key` has. */
  get(key: string): Versioned<T> | undefined {
    return this.#entries.get(key);
  }

  /** Keys and what they have, sorted by key. */
  entries(under = ""): [string, Versioned<T>][] {
    const entries = [...this.#entries].filter(([key]) => key.startsWith(under));
    return entries.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** All that there is, now. @returns what is different from before */
  snapshot({ epoch, version, entries }: Copy): ViewChange<T>[] {
    const isSameLife = epoch === this.#epoch;
    const gone = new Set(this.#entries.keys());
    const changes: ViewChange<T>[] = [];
    for (const [key, value, at = version] of entries) {
      gone.delete(key);
      if (isSameLife && this.#entries.get(key)?.version === at) continue;
      changes.push(this.#set(key, value as T, at));
    }
    for (const key of gone) changes.push(this.#delete(key, version));
    this.#epoch = epoch;
    this.#version = version;
    this.#hasSnapshot = true;
    return changes;
  }

  /** What changed since. Before a snapshot it says nothing. @returns the changes */
  delta(version: number, changes: readonly WireChange[]): ViewChange<T>[] {
    if (!this.#hasSnapshot) return [];
    this.#version = version;
    return changes.map((change) => {
      const [key, value, at = version] = change;
      return change.length === 1 ? this.#delete(key, version) : this.#set(key, value as T, at);
    });
  }

  /** The owner is away: what is here stays, and the next snapshot replaces it. */
  lost(): void {
    this.#hasSnapshot = false;
  }

  /** Shows a copy from the disk until the owner is there. */
  restore(copy: Copy): void {
    this.snapshot(copy);
    this.#hasSnapshot = false;
  }

  /** What is shown, for the disk. */
  copy(): Copy {
    const entries = this.entries().map(
      ([key, { value, version }]) => [key, value, version] as const,
    );
    return { epoch: this.#epoch, version: this.#version, entries };
  }

  #set(key: string, value: T, version: number): ViewChange<T> {
    this.#entries.set(key, { value, version });
    return { key, value, version };
  }

  #delete(key: string, version: number): ViewChange<T> {
    this.#entries.delete(key);
    return { key, value: undefined, version };
  }
}
