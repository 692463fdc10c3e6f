import { encode } from "@zeroplane/link";
import { PatternError } from "../errors.ts";
import { Ends } from "./ends.ts";
import { KEY_CHARACTERS_MAX, VALUE_BYTES_MAX, type WireChange } from "./protocol.ts";

/** A place in the history of a state: versions of two epochs are not compared. */
export interface Stamp {
  /** Which life of the owner. */
  readonly epoch: number;
  readonly version: number;
}

/** A value with the version of the state at which it was set. */
export interface Versioned<T> extends Stamp {
  readonly value: T;
}

/** How a value is set. */
export interface SetOptions {
  /**
   * Only when the key is at that version: what `at(key)` gave, a number of this life of the owner,
   * or 0 when the key must not be there.
   */
  readonly if?: number | Stamp;
  /** The key is removed when it was not set again for so long (milliseconds, default never). */
  readonly ttlMs?: number;
}

/** What can go wrong with keys of one state. */
export interface OwnerLimits {
  readonly name: string;
  readonly epoch: number;
  readonly keysMax: number;
}

/** A group of changes that viewers see at once. */
export interface Group {
  readonly version: number;
  readonly changes: readonly WireChange[];
}

interface Entry<T, L> {
  readonly value: T;
  readonly version: number;
  readonly bytes: Uint8Array;
  readonly holder: L | undefined;
}

/**
 * The values of a state, and when they end by themselves. `L` is a line to another process: a key
 * that it holds goes with it.
 */
export class OwnerCore<T, L> {
  readonly #limits: OwnerLimits;
  readonly #publish: (group: Group) => void;
  readonly #entries = new Map<string, Entry<T, L>>();
  readonly #ends = new Ends();
  readonly #held = new Map<L, Set<string>>();
  #changes: WireChange[] | undefined;
  #version = 0;

  /** @param publish called with each group of changes, in order */
  constructor(limits: OwnerLimits, publish: (group: Group) => void) {
    this.#limits = limits;
    this.#publish = publish;
  }

  /** Rises by one for each group of changes. */
  get version(): number {
    return this.#version;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** When the next key ends, in the caller's milliseconds. */
  get nextEndMs(): number | undefined {
    return this.#ends.nextMs;
  }

  at(key: string): Versioned<T> | undefined {
    const entry = this.#entries.get(key);
    const { epoch } = this.#limits;
    return entry && { value: entry.value, version: entry.version, epoch };
  }

  get(key: string): T | undefined {
    return this.#entries.get(key)?.value;
  }

  *values(under: string): Generator<[string, T]> {
    for (const [key, { value }] of this.#entries) if (key.startsWith(under)) yield [key, value];
  }

  /** What viewers under `under` get. What is set while this is read may be missing. */
  *wire(under: string): Generator<Required<WireChange>> {
    let left = this.#entries.size;
    for (const [key, { bytes, version }] of this.#entries) {
      if (left-- === 0) return;
      if (key.startsWith(under)) yield [key, bytes, version];
    }
  }

  /** What `key` is now: a key alone is not there. */
  wireOf(key: string): WireChange {
    const entry = this.#entries.get(key);
    return entry === undefined ? [key] : [key, entry.bytes, entry.version];
  }

  /** Sets a value. @param holder the line with which it goes */
  set(
    key: string,
    value: T,
    options: SetOptions & { readonly nowMs: number; readonly holder?: L | undefined },
  ): number {
    const { ttlMs, nowMs, holder } = options;
    const bytes = this.#encode(key, value);
    this.#expect(key, options.if);
    if (ttlMs !== undefined && !(ttlMs > 0))
      throw this.#bad(`ttlMs of ${key} is ${ttlMs}, not above 0`);
    return this.update(() => {
      this.#forget(key);
      this.#entries.set(key, { value, version: this.#version + 1, bytes, holder });
      if (ttlMs !== undefined && ttlMs < Number.POSITIVE_INFINITY)
        this.#ends.set(key, nowMs + ttlMs);
      if (holder !== undefined) this.#hold(holder, key);
      this.#changes?.push([key, bytes]);
    });
  }

  /** Removes a key. */
  delete(key: string, expected?: number | Stamp): number {
    this.#expect(key, expected);
    if (!this.#entries.has(key)) return this.#version;
    return this.update(() => {
      this.#forget(key);
      this.#entries.delete(key);
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
    this.#removeAll(this.#ends.due(nowMs));
  }

  /** The line is gone, and all that it held. */
  gone(line: L): void {
    this.#removeAll([...(this.#held.get(line) ?? [])]);
  }

  #removeAll(keys: readonly string[]): void {
    this.update(() => {
      for (const key of keys) this.delete(key);
    });
  }

  #encode(key: string, value: T): Uint8Array {
    if (key === "" || key.length > KEY_CHARACTERS_MAX) {
      const shown = JSON.stringify(key.slice(0, 40));
      throw this.#bad(`${shown} is no key: 1 to ${KEY_CHARACTERS_MAX} characters`);
    }
    const { keysMax } = this.#limits;
    if (this.#entries.size >= keysMax && !this.#entries.has(key)) {
      const text = `${this.#limits.name} has ${keysMax} keys, its keysMax: ${key} is not set`;
      throw new PatternError("ERR_OVERLOADED", text);
    }
    const bytes = encode(value);
    if (bytes.length <= VALUE_BYTES_MAX) return bytes;
    throw this.#bad(`the value of ${key} has ${bytes.length} bytes, more than ${VALUE_BYTES_MAX}`);
  }

  #bad(text: string): PatternError {
    return new PatternError("ERR_BAD_OPTION", `${this.#limits.name}: ${text}`);
  }

  #expect(key: string, expected: number | Stamp | undefined): void {
    if (expected === undefined) return;
    const { name, epoch } = this.#limits;
    const at = this.#entries.get(key)?.version ?? 0;
    const wanted = typeof expected === "number" ? { epoch, version: expected } : expected;
    if (wanted.version === at && (wanted.epoch === epoch || at === 0)) return;
    const life = wanted.epoch === epoch ? "" : " of the owner's life before";
    const text = `${name}: ${key} is at version ${at}, not ${wanted.version}${life}; read it again`;
    throw new PatternError("ERR_CONFLICT", text);
  }

  #hold(holder: L, key: string): void {
    const keys = this.#held.get(holder) ?? new Set();
    this.#held.set(holder, keys.add(key));
  }

  /** It neither ends nor goes with a line any longer. */
  #forget(key: string): void {
    const holder = this.#entries.get(key)?.holder;
    this.#ends.delete(key);
    if (holder === undefined) return;
    const keys = this.#held.get(holder);
    keys?.delete(key);
    if (keys?.size === 0) this.#held.delete(holder);
  }
}
