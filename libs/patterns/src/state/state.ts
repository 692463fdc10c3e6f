import {
  codeOf,
  compose,
  decode,
  type Headers,
  type Interceptor,
  intercept,
  type Listener,
  type Session,
} from "@zeroplane/link";
import { type Message, tell } from "../channel.ts";
import { PatternError } from "../errors.ts";
import { type NamedHandler, offer, UNKNOWN } from "../names.ts";
import { VERB_STATE } from "../verbs.ts";
import { type Group, OwnerCore, type SetOptions, type Versioned } from "./owner-core.ts";
import { Kind, type WireChange } from "./protocol.ts";
import type { WireSetOptions } from "./remote-sets.ts";
import { type Viewer, Viewers } from "./viewers.ts";

/** Who wants to set or remove a key. */
export interface Setter {
  readonly peer: Session["peer"];
  readonly key: string;
}

/** Options of {@link openState}. */
export interface StateOptions {
  /** Says which viewers may set and remove which keys (default none: only the owner sets). */
  readonly writable?: (setter: Setter) => boolean;
  /** Keys at most (default 1 000 000); one more is refused with ERR_OVERLOADED. */
  readonly keysMax?: number;
  readonly interceptors?: readonly Interceptor[];
}

/** A live description of a state. */
export interface StateStats {
  readonly keys: number;
  readonly version: number;
  readonly viewers: readonly Viewer[];
  /** Snapshots begun since the start. */
  readonly snapshots: number;
  /** What viewers asked to set and were not allowed to. */
  readonly refused: number;
}

/** Longer timers run at once in Node. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1;
/** Keys end by themselves at most this late, so that many of them end together. */
const EXPIRE_MS = 20;
const KEYS_MAX = 1_000_000;

/**
 * Values by key, replicated to every viewer: a snapshot, then each change, in order. The version
 * counts changes; who has applied which one is known here.
 */
export class State<T> implements AsyncDisposable {
  readonly name: string;
  /** Random for each life of the owner: versions of two lives are not compared. */
  readonly epoch = Math.floor(Math.random() * 2 ** 31);
  readonly #core: OwnerCore<T, Session>;
  readonly #viewers: Viewers<T>;
  readonly #options: StateOptions;
  readonly #interceptor: Interceptor | undefined;
  readonly #withdraw: () => void;
  #refused = 0;
  #expiry: { readonly timer: NodeJS.Timeout; readonly atMs: number } | undefined;

  /** Use {@link openState}. */
  constructor(name: string, listener: Listener, options: StateOptions) {
    this.name = name;
    this.#options = options;
    this.#interceptor = compose(options.interceptors);
    const limits = { name, epoch: this.epoch, keysMax: options.keysMax ?? KEYS_MAX };
    this.#core = new OwnerCore(limits, (group) => this.#publish(group));
    this.#viewers = new Viewers(name, this.epoch, this.#core);
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
    return this.#core.get(key);
  }

  /** The value of `key` with its version, for `set(…, { if })`; `undefined` when it is not there. */
  at(key: string): Versioned<T> | undefined {
    return this.#core.at(key);
  }

  /** Keys and values that begin with `under`, sorted by key. */
  entries(under = ""): [string, T][] {
    return [...this.#core.values(under)].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /**
   * Sets a value. One that was set with `ttlMs` goes unless it is set again in time.
   * @param key 1 to 1 024 characters
   * @param value anything that travels, at most 4 MiB of it
   * @param options `if`: only when the key is at that version, 0 when it must not be there;
   *   `ttlMs`: it is removed when it was not set again for so long (default never)
   * @returns the version of the state that has it
   * @throws PatternError ERR_CONFLICT when it is at another version, ERR_BAD_OPTION beyond a bound,
   *   ERR_OVERLOADED beyond `keysMax` keys
   * @throws LinkError ERR_LINK_ENCODE when the value cannot travel
   */
  set(key: string, value: T, options: SetOptions = {}): number {
    return this.#set(key, value, options);
  }

  /**
   * Removes a key.
   * @param options `if`: only when it is at that version
   * @returns the version of the state without it
   * @throws PatternError ERR_CONFLICT when it is at another version
   */
  delete(key: string, options: Pick<SetOptions, "if"> = {}): number {
    return this.#core.delete(key, options.if);
  }

  /**
   * Several changes that viewers see at once; what was changed before `change` threw stays.
   * @returns the version that has them
   */
  update(change: () => void): number {
    return this.#core.update(change);
  }

  /** Who views the state, and how far each is. */
  viewers(): Viewer[] {
    return this.#viewers.list();
  }

  /** Sizes, counters, and how far each viewer is. */
  stats(): StateStats {
    const { size: keys, version } = this.#core;
    const { snapshots } = this.#viewers;
    return { keys, version, viewers: this.viewers(), snapshots, refused: this.#refused };
  }

  /**
   * Waits until every present viewer has applied `version`; one that goes away, or whose line is
   * down, is not waited for.
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
      const viewers = this.viewers();
      const behind = viewers.filter((viewer) => viewer.up && viewer.version < version);
      if (behind.length === 0) return viewers.filter((viewer) => viewer.version >= version);
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) {
        const who = behind.map(({ node, version: at }) => `${node} (at ${at})`).join(", ");
        const text = `${this.name}: version ${version} was not seen after ${timeoutMs} ms by ${who}`;
        throw new PatternError("ERR_TIMEOUT", text);
      }
      await this.#viewers.change(leftMs, signal);
    }
  }

  /** Takes the state away from its viewers. */
  async close(): Promise<void> {
    clearTimeout(this.#expiry?.timer);
    this.#withdraw();
    this.#viewers.clear();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(session: Session): NamedHandler {
    const gone = (): void => {
      this.#viewers.forget(session);
      this.#core.gone(session);
    };
    return {
      receive: (message) => {
        const [kind, , a, b] = message;
        if (kind === UNKNOWN) gone();
        if (kind === Kind.view) this.#viewers.view(session, String(a));
        if (kind === Kind.seen && a === this.epoch) this.#viewers.seen(session, Number(b));
        if (kind === Kind.put) void this.#put(session, message);
      },
      reset: gone,
      state: (state) => {
        if (state === "closed") gone();
        else this.#viewers.wake();
      },
    };
  }

  #set(key: string, value: T, options: SetOptions, holder?: Session): number {
    const version = this.#core.set(key, value, { ...options, nowMs: performance.now(), holder });
    if (options.ttlMs !== undefined) this.#expireInTime();
    return version;
  }

  /** A viewer sets or removes a key. */
  async #put(session: Session, message: Message): Promise<void> {
    const [, , id, change, options, headers] = message;
    const [key] = change as WireChange;
    const operation = {
      verb: "state",
      side: "server",
      name: this.name,
      headers: (headers ?? {}) as Headers,
      peer: session.peer.node,
      attributes: { "zp.key": key },
    } as const;
    const done = [Kind.done, this.name, id] as const;
    try {
      const setting = async (): Promise<number> =>
        this.#setFor(session, change as WireChange, options as WireSetOptions);
      const version = await intercept(this.#interceptor, () => operation, setting);
      tell(session, VERB_STATE, [...done, version]);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      // Without room for the answer the asker learns from its deadline.
      if (session.hasRoom) tell(session, VERB_STATE, [...done, 0, codeOf(error) ?? "", text]);
    }
  }

  #setFor(session: Session, [key, bytes]: WireChange, options: WireSetOptions): number {
    if (this.#options.writable?.({ peer: session.peer, key }) !== true) {
      this.#refused++;
      const text = `${this.name}: ${session.peer.node} may not set ${key}; its owner's "writable" says who may`;
      throw new PatternError("ERR_REFUSED", text);
    }
    if (bytes === undefined) return this.#core.delete(key, options.if);
    const holder = options.ephemeral === true ? session : undefined;
    return this.#set(key, decode(bytes) as T, options, holder);
  }

  #publish(group: Group): void {
    const operation = {
      verb: "state",
      side: "producer",
      name: this.name,
      headers: {},
      attributes: { "zp.version": group.version, "zp.keys": group.changes.length },
    } as const;
    let isTold = false;
    const send = (headers: Headers): void => {
      if (!isTold) this.#viewers.publish(group, headers);
      isTold = true;
    };
    intercept(
      this.#interceptor,
      () => operation,
      async (headers: Headers) => send(headers),
    ).catch(() => undefined);
    // Changes are told in their order, whatever an interceptor waits for.
    send(operation.headers);
  }

  #expireInTime(): void {
    const atMs = this.#core.nextEndMs;
    if (atMs === undefined || (this.#expiry !== undefined && this.#expiry.atMs <= atMs)) return;
    clearTimeout(this.#expiry?.timer);
    const waitMs = Math.min(Math.max(atMs - performance.now(), EXPIRE_MS), TIMEOUT_MAX_MS);
    const timer = setTimeout(() => {
      this.#expiry = undefined;
      this.#core.expire(performance.now());
      this.#expireInTime();
    }, waitMs).unref();
    this.#expiry = { timer, atMs };
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
