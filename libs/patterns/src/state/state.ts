import {
  codeOf,
  compose,
  encode,
  type Headers,
  type Interceptor,
  intercept,
  type Listener,
  type Session,
} from "@zeroplane/link";
import { tell } from "../channel.ts";
import { PatternError } from "../errors.ts";
import { type NamedHandler, offer } from "../names.ts";
import { VERB_STATE } from "../verbs.ts";
import { Kind, PIECE_BYTES_MAX, PIECE_KEYS_MAX } from "./protocol.ts";

/** A value with the version of the state at which it was set. */
export interface Versioned<T> {
  readonly value: T;
  readonly version: number;
}

/** Options of {@link openState}. */
export interface StateOptions {
  readonly interceptors?: readonly Interceptor[];
}

/** One process that views the state. */
export interface Viewer {
  /** Name of the process. */
  readonly node: string;
  /** The version it has applied. */
  readonly version: number;
}

interface Viewing {
  readonly session: Session;
  readonly under: string;
  version: number;
  /** Too much waits for it: it gets a snapshot when there is room, and no changes until then. */
  behind: boolean;
}

interface Entry<T> extends Versioned<T> {
  readonly bytes: Uint8Array;
  readonly expiresAtMs: number;
}

type Change = readonly [key: string, bytes?: Uint8Array];

const EXPIRE_MS = 100;

/**
 * Values by key, replicated to every viewer: a snapshot, then each change, in order. The version
 * counts changes; who has applied which one is known here.
 */
export class State<T> implements AsyncDisposable {
  readonly name: string;
  readonly #entries = new Map<string, Entry<T>>();
  /** Random for each life of the owner: versions of two lives are not compared. */
  readonly epoch = Math.floor(Math.random() * 2 ** 31);
  readonly #viewers = new Map<Session, Viewing>();
  readonly #interceptor: Interceptor | undefined;
  readonly #withdraw: () => void;
  readonly #waiting = new Set<() => void>();
  #changes: Change[] | undefined;
  #version = 0;
  #expiry: NodeJS.Timeout | undefined;

  /** Use {@link openState}. */
  constructor(name: string, listener: Listener, options: StateOptions) {
    this.name = name;
    this.#interceptor = compose(options.interceptors);
    this.#withdraw = offer(listener, { verb: VERB_STATE, name }, (session) =>
      this.#accept(session),
    );
  }

  /** Counts changes; rises by one for each group of changes that belong together. */
  get version(): number {
    return this.#version;
  }

  /** The value of `key`, or `undefined`. */
  get(key: string): T | undefined {
    return this.#entries.get(key)?.value;
  }

  /** Keys and values that begin with `under`, sorted by key. */
  entries(under = ""): [string, T][] {
    return [...this.#entries]
      .filter(([key]) => key.startsWith(under))
      .map(([key, { value }]): [string, T] => [key, value])
      .sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /**
   * Sets a value.
   * @param options `if`: only when the key is at that version, 0 when it must not be there;
   *   `ttlMs`: it is deleted when it was not set again for so long (default never)
   * @returns the version of the state that has it
   * @throws PatternError ERR_CONFLICT when it is at another version
   * @throws LinkError ERR_LINK_ENCODE when the value cannot travel
   */
  set(
    key: string,
    value: T,
    options: { readonly if?: number; readonly ttlMs?: number } = {},
  ): number {
    const at = this.#entries.get(key)?.version ?? 0;
    if (options.if !== undefined && options.if !== at) {
      const text = `${this.name}: ${key} is at version ${at}, not ${options.if}; read it again`;
      throw new PatternError("ERR_CONFLICT", text);
    }
    const bytes = encode(value);
    const { ttlMs = Number.POSITIVE_INFINITY } = options;
    const expiresAtMs = performance.now() + ttlMs;
    if (ttlMs < Number.POSITIVE_INFINITY)
      this.#expiry ??= setInterval(() => this.#expire(), EXPIRE_MS).unref();
    return this.update(() => {
      const version = this.#version + 1;
      this.#entries.set(key, { value, version, bytes, expiresAtMs });
      this.#changes?.push([key, bytes]);
    });
  }

  /** The value of `key` with its version, for `set(…, { if })`; `undefined` when it is not there. */
  at(key: string): Versioned<T> | undefined {
    const entry = this.#entries.get(key);
    return entry && { value: entry.value, version: entry.version };
  }

  /** Removes a key. @returns the version of the state without it */
  delete(key: string): number {
    if (!this.#entries.has(key)) return this.#version;
    return this.update(() => {
      this.#entries.delete(key);
      this.#changes?.push([key]);
    });
  }

  /** Several changes that viewers see at once. @returns the version that has them */
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
      if (changes.length > 0) this.#publish(changes);
    }
    return this.#version;
  }

  /** Who views the state, and how far each is. */
  viewers(): Viewer[] {
    return [...this.#viewers.values()].map(({ session, version }) => ({
      node: session.peer.node,
      version,
    }));
  }

  /**
   * Waits until every present viewer has applied `version`; one that goes away is not waited for.
   * @param options `timeoutMs` (default 10 000), `signal`
   * @returns the viewers that have it
   * @throws PatternError ERR_TIMEOUT naming those who have not
   */
  async seen(
    version: number,
    options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
  ): Promise<Viewer[]> {
    const { timeoutMs = 10_000, signal } = options;
    const deadline = performance.now() + timeoutMs;
    for (;;) {
      signal?.throwIfAborted();
      const behind = this.viewers().filter((viewer) => viewer.version < version);
      if (behind.length === 0) return this.viewers();
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) {
        const who = behind.map(({ node, version: at }) => `${node} (at ${at})`).join(", ");
        const text = `${this.name}: version ${version} was not seen after ${timeoutMs} ms by ${who}`;
        throw new PatternError("ERR_TIMEOUT", text);
      }
      await this.#change(leftMs);
    }
  }

  /** Takes the state away from its viewers. */
  async close(): Promise<void> {
    clearInterval(this.#expiry);
    this.#withdraw();
    this.#viewers.clear();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(session: Session): NamedHandler {
    return {
      receive: ([kind, , a, b]) => {
        if (kind === Kind.view) this.#view(session, String(a));
        if (kind === Kind.seen && a === this.epoch) this.#applied(session, Number(b));
      },
      reset: () => this.#forget(session),
      state: (state) => {
        if (state === "closed") this.#forget(session);
      },
    };
  }

  #view(session: Session, under: string): void {
    const viewing: Viewing = { session, under, version: 0, behind: false };
    this.#viewers.set(session, viewing);
    this.#toViewer(viewing, () => this.#snapshot(viewing));
  }

  #snapshot({ session, under }: Viewing): void {
    const piece = (entries: readonly Change[], isLast: boolean): void =>
      tell(session, VERB_STATE, [
        Kind.snapshot,
        this.name,
        this.epoch,
        this.#version,
        entries,
        isLast,
      ]);
    let entries: Change[] = [];
    let size = 0;
    for (const [key, { bytes }] of this.#entries) {
      if (!key.startsWith(under)) continue;
      if (entries.length >= PIECE_KEYS_MAX || size >= PIECE_BYTES_MAX) {
        piece(entries, false);
        entries = [];
        size = 0;
      }
      entries.push([key, bytes]);
      size += key.length + bytes.length;
    }
    piece(entries, true);
  }

  /** One viewer that takes nothing holds up no other one. */
  #toViewer(viewing: Viewing, send: () => void): void {
    try {
      send();
    } catch (error) {
      if (codeOf(error) !== "ERR_LINK_OVERLOADED" || viewing.behind) return;
      viewing.behind = true;
      void this.#catchUp(viewing);
    }
  }

  async #catchUp(viewing: Viewing): Promise<void> {
    while (this.#viewers.get(viewing.session) === viewing && viewing.behind) {
      try {
        await viewing.session.room();
        viewing.behind = false;
        this.#snapshot(viewing);
      } catch (error) {
        if (codeOf(error) === "ERR_LINK_CLOSED") return;
        viewing.behind = true;
      }
    }
  }

  #applied(session: Session, version: number): void {
    const viewing = this.#viewers.get(session);
    if (viewing === undefined || version > this.#version) return;
    viewing.version = Math.max(viewing.version, version);
    this.#wake();
  }

  #forget(session: Session): void {
    this.#viewers.delete(session);
    this.#wake();
  }

  #publish(changes: readonly Change[]): void {
    const version = ++this.#version;
    const send = async (headers: Headers): Promise<void> => {
      for (const viewing of this.#viewers.values()) {
        if (viewing.behind) continue;
        // Viewers of other keys get the version as well: they have seen it by seeing nothing.
        const theirs = changes.filter(([key]) => key.startsWith(viewing.under));
        const delta = [Kind.delta, this.name, version, theirs, headers] as const;
        this.#toViewer(viewing, () => tell(viewing.session, VERB_STATE, delta));
      }
    };
    const attributes = { "zp.version": version, "zp.keys": changes.length };
    const operation = {
      verb: "state",
      side: "producer",
      name: this.name,
      headers: {},
      attributes,
    } as const;
    intercept(this.#interceptor, () => operation, send).catch(() => undefined);
  }

  #expire(): void {
    const nowMs = performance.now();
    const due = [...this.#entries].filter(([, { expiresAtMs }]) => expiresAtMs <= nowMs);
    if (due.length === 0) return;
    this.update(() => {
      for (const [key] of due) this.delete(key);
    });
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(done);
        resolve();
      };
      const timer = setTimeout(done, Math.min(timeoutMs, 1_000));
      this.#waiting.add(done);
    });
  }
}

/** Opens the state `name` on a listener. It lives in memory: its owner fills it at start. */
export function openState<T>(
  name: string,
  listener: Listener,
  options: StateOptions = {},
): State<T> {
  return new State<T>(name, listener, options);
}
