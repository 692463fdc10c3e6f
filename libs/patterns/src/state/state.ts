import { randomInt } from "node:crypto";
import {
  codeOf,
  compose,
  type Headers,
  type Interceptor,
  intercept,
  type Listener,
  type Session,
} from "@zeroplane/link";
import { type Message, tell } from "../channel.ts";
import { PatternError } from "../errors.ts";
import { type NamedHandler, offer } from "../names.ts";
import { VERB_STATE } from "../verbs.ts";
import { type Group, OwnerCore, type SetOptions, type Versioned } from "./owner-core.ts";
import { Kind } from "./protocol.ts";
import type { RemoteSetOptions } from "./remote-sets.ts";

/** Who wants to set a key. */
export interface Setter {
  readonly peer: Session["peer"];
  readonly key: string;
}

/** Options of {@link openState}. */
export interface StateOptions {
  /** Says which viewers may set which keys (default none: only the owner sets). */
  readonly writable?: (setter: Setter) => boolean;
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
}

/** Keys end by themselves at most this late, so that many of them end together. */
const EXPIRE_MS = 20;
/** Longer ones run at once in Node. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;

/**
 * Values by key, replicated to every viewer: a snapshot, then each change, in order. The version
 * counts changes; who has applied which one is known here.
 */
export class State<T> implements AsyncDisposable {
  readonly name: string;
  readonly #core: OwnerCore<T, Session>;
  /** Versions of another life of the owner are not comparable. */
  readonly #epoch = randomInt(2 ** 31);
  readonly #options: StateOptions;
  readonly #viewers = new Map<Session, Viewing>();
  readonly #interceptor: Interceptor | undefined;
  readonly #withdraw: () => void;
  readonly #waiting = new Set<() => void>();
  #expiry: NodeJS.Timeout | undefined;

  /** Use {@link openState}. */
  constructor(name: string, listener: Listener, options: StateOptions) {
    this.name = name;
    this.#options = options;
    this.#interceptor = compose(options.interceptors);
    this.#core = new OwnerCore(name, (group) => this.#publish(group));
    this.#withdraw = offer(listener, { verb: VERB_STATE, name }, (session) =>
      this.#accept(session),
    );
  }

  /** Counts changes; rises by one for each group of changes that belong together. */
  get version(): number {
    return this.#core.version;
  }

  /** The value of `key`, or `undefined`. */
  get(key: string): T | undefined {
    return this.#core.get(key)?.value;
  }

  /** The value of `key` and the version for `set`'s `if`, or `undefined`. */
  read(key: string): Versioned<T> | undefined {
    const entry = this.#core.get(key);
    return entry && { value: entry.value, version: entry.version };
  }

  /** Keys and values that begin with `under`, sorted by key. */
  entries(under = ""): [string, T][] {
    const entries = this.#core.snapshot(under).map(([key, value]): [string, T] => [key, value]);
    return entries.sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /**
   * Sets a value. One that was set with `ttlMs` goes unless it is set again in time.
   * @param options `if`: only when the key is at that version, 0 when it must not be there
   * @returns the version of the state that has it
   * @throws PatternError ERR_CONFLICT when it is at another version
   */
  set(key: string, value: T, options: SetOptions = {}): number {
    return this.#set(key, value, options);
  }

  /**
   * Removes a key. @returns the version of the state without it
   * @throws PatternError ERR_CONFLICT when it is not at the version in `options.if`
   */
  delete(key: string, options: { readonly if?: number } = {}): number {
    return this.#core.delete(key, options.if);
  }

  /** Several changes that viewers see at once. @returns the version that has them */
  update(change: () => void): number {
    return this.#core.update(change);
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
    this.#withdraw();
    clearTimeout(this.#expiry);
    this.#viewers.clear();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(session: Session): NamedHandler {
    return {
      receive: (message) => {
        const [kind, , value] = message;
        if (kind === Kind.view) this.#view(session, String(value));
        if (kind === Kind.seen) this.#applied(session, Number(value));
        if (kind === Kind.put) this.#put(session, message);
      },
      reset: () => this.#forget(session),
      state: (state) => {
        if (state === "closed") this.#forget(session);
      },
    };
  }

  #set(key: string, value: T, options: SetOptions, holder?: Session): number {
    const version = this.#core.set(key, value, { ...options, nowMs: performance.now(), holder });
    if (options.ttlMs !== undefined) this.#expireLater();
    return version;
  }

  /** A viewer sets or removes a key. */
  #put(session: Session, [, , id, change, options]: Message): void {
    try {
      const version = this.#setFor(session, change as [string, T?], options as RemoteSetOptions);
      tell(session, VERB_STATE, [Kind.done, this.name, id, version]);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      tell(session, VERB_STATE, [Kind.done, this.name, id, 0, codeOf(error), text]);
    }
  }

  #setFor(session: Session, change: readonly [string, T?], options: RemoteSetOptions): number {
    const key = String(change[0]);
    if (this.#options.writable?.({ peer: session.peer, key }) !== true) {
      const text = `${this.name}: ${session.peer.node} may not set ${key}`;
      throw new PatternError("ERR_READ_ONLY", text);
    }
    if (change.length === 1) return this.delete(key, options);
    const holder = options.ephemeral === true ? session : undefined;
    return this.#set(key, change[1] as T, options, holder);
  }

  #expireLater(): void {
    const next = this.#core.nextEndMs;
    clearTimeout(this.#expiry);
    if (next === undefined) return;
    const waitMs = Math.min(Math.max(next - performance.now(), EXPIRE_MS), TIMEOUT_MAX_MS);
    this.#expiry = setTimeout(() => {
      this.#core.expire(performance.now());
      this.#expireLater();
    }, waitMs).unref();
  }

  #view(session: Session, under: string): void {
    this.#viewers.set(session, { session, under, version: 0 });
    const entries = this.#core.snapshot(under);
    const snapshot = [this.version, entries, {}, this.#epoch];
    tell(session, VERB_STATE, [Kind.snapshot, this.name, ...snapshot]);
  }

  #applied(session: Session, version: number): void {
    const viewing = this.#viewers.get(session);
    if (viewing === undefined) return;
    viewing.version = Math.max(viewing.version, version);
    this.#wake();
  }

  #forget(session: Session): void {
    this.#viewers.delete(session);
    this.#core.gone(session);
    this.#wake();
  }

  #publish({ version, changes }: Group): void {
    const send = async (headers: Headers): Promise<void> => {
      for (const { session, under } of this.#viewers.values()) {
        // Viewers of other keys get the version as well: they have seen it by seeing nothing.
        const theirs = changes.filter(([key]) => key.startsWith(under));
        tell(session, VERB_STATE, [Kind.delta, this.name, version, theirs, headers]);
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
