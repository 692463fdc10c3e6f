import { PatternError } from "../errors.ts";

/** A value with the version of the state at which it was set. */
export interface Versioned<T> {
  readonly value: T;
  readonly version: number;
}

/** A change on its way to viewers: a key alone was removed. */
export type Change = readonly [key: string, value?: unknown, version?: number];

/** How a value is set. */
export interface SetOptions {
  /** Only when the key is at that version, 0 when it must not be there. */
  readonly if?: number;
  /** The key is removed when it was not set again for this long (milliseconds). */
  readonly ttlMs?: number;
}

/** A group of changes that belong together. */
export interface Group {
  readonly version: number;
  readonly changes: readonly Change[];
}

interface Entry<T, L> extends Versioned<T> {
  readonly endsAtMs: number | undefined;
  readonly holder: L | undefined;
}

/**
 * The values of a state, and when they end by themselves. `L` is a line to another process: a key
 * that it holds goes with it.
 */
export class OwnerCore<T, L> {
  readonly #name: string;
  readonly #publish: (group: Group) => void;
  readonly #entries = new Map<string, Entry<T, L>>();
  /** Keys with an end, in milliseconds of the caller's clock. */
  readonly #ends = new Map<string, number>();
  readonly #held = new Map<L, Set<string>>();
  #changes: Change[] | undefined;
  #version = 0;

  /** @param publish called with each group of changes, in order */
  constructor(name: string, publish: (group: Group) => void) {
    this.#name = name;
    this.#publish = publish;
  }

  /** Rises by one for each group of changes. */
  get version(): number {
    return this.#version;
  }

  /** When the next key ends, in the caller's milliseconds. */
  get nextEndMs(): number | undefined {
    let next: number | undefined;
    for (const endsAtMs of this.#ends.values()) next = Math.min(next ?? endsAtMs, endsAtMs);
    return next;
  }

  /** What `key` has. */
  get(key: string): Versioned<T> | undefined {
    return this.#entries.get(key);
  }

  /** All that begins with `under`. */
  snapshot(under: string): [key: string, value: T, version: number][] {
    const entries = [...this.#entries].filter(([key]) => key.startsWith(under));
    return entries.map(([key, { value, version }]) => [key, value, version]);
  }

  /**
   * Sets a value. @param holder the line with which it goes
   * @throws PatternError ERR_CONFLICT when it is not at the version in `options.if`
   */
  set(
    key: string,
    value: T,
    options: SetOptions & { readonly nowMs: number; readonly holder?: L | undefined },
  ): number {
    const { ttlMs, nowMs, holder } = options;
    this.#expect(key, options.if);
    const endsAtMs = ttlMs === undefined ? undefined : nowMs + ttlMs;
    return this.update(() => {
      const version = this.#version + 1;
      this.#forget(key);
      this.#entries.set(key, { value, version, endsAtMs, holder });
      if (endsAtMs !== undefined) this.#ends.set(key, endsAtMs);
      if (holder !== undefined) this.#hold(holder, key);
      this.#changes?.push([key, value, version]);
    });
  }

  /** Removes a key. @throws PatternError ERR_CONFLICT when it is not at the version in `ifAt` */
  delete(key: string, ifAt?: number): number {
    this.#expect(key, ifAt);
    if (!this.#entries.has(key)) return this.#version;
    return this.update(() => {
      this.#forget(key);
      this.#changes?.push([key]);
    });
  }

  /** Several changes that are one group. @returns the version that has them */
  update(change: () => void): number {
    if (this.#changes !== undefined) {
      change();
      return this.#version + 1;
    }
    this.#changes = [];
    try {
      change();
    } finally {
      const changes = this.#changes;
      this.#changes = undefined;
      if (changes.length > 0) this.#publish({ version: ++this.#version, changes });
    }
    return this.#version;
  }

  /** Removes what has ended by now. */
  expire(nowMs: number): void {
    const ended = [...this.#ends].filter(([, endsAtMs]) => endsAtMs <= nowMs);
    this.update(() => {
      for (const [key] of ended) this.delete(key);
    });
  }

  /** The line is gone, and all that it held. */
  gone(line: L): void {
    const held = [...(this.#held.get(line) ?? [])];
    this.update(() => {
      for (const key of held) this.delete(key);
    });
  }

  #expect(key: string, wanted: number | undefined): void {
    const at = this.#entries.get(key)?.version ?? 0;
    if (wanted === undefined || wanted === at) return;
    const text = `${this.#name}: ${key} is at version ${at}, not ${wanted}; read it again`;
    throw new PatternError("ERR_CONFLICT", text);
  }

  #hold(holder: L, key: string): void {
    const keys = this.#held.get(holder) ?? new Set();
    this.#held.set(holder, keys.add(key));
  }

  #forget(key: string): void {
    const holder = this.#entries.get(key)?.holder;
    this.#entries.delete(key);
    this.#ends.delete(key);
    if (holder === undefined) return;
    const keys = this.#held.get(holder);
    keys?.delete(key);
    if (keys?.size === 0) this.#held.delete(holder);
  }
}
