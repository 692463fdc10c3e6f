import {
  compose,
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
import { Kind } from "./protocol.ts";

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
}

type Change = readonly [key: string, value?: unknown, version?: number];

/**
 * Values by key, replicated to every viewer: a snapshot, then each change, in order. The version
 * counts changes; who has applied which one is known here.
 */
export class State<T> implements AsyncDisposable {
  readonly name: string;
  readonly #entries = new Map<string, Versioned<T>>();
  readonly #viewers = new Map<Session, Viewing>();
  readonly #interceptor: Interceptor | undefined;
  readonly #withdraw: () => void;
  readonly #waiting = new Set<() => void>();
  #changes: Change[] | undefined;
  #version = 0;

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
   * @param options `if`: only when the key is at that version, 0 when it must not be there
   * @returns the version of the state that has it
   * @throws PatternError ERR_CONFLICT when it is at another version
   */
  set(key: string, value: T, options: { readonly if?: number } = {}): number {
    const at = this.#entries.get(key)?.version ?? 0;
    if (options.if !== undefined && options.if !== at) {
      const text = `${this.name}: ${key} is at version ${at}, not ${options.if}; read it again`;
      throw new PatternError("ERR_CONFLICT", text);
    }
    return this.update(() => {
      const version = this.#version + 1;
      this.#entries.set(key, { value, version });
      this.#changes?.push([key, value, version]);
    });
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

  /** Takes the state away from its viewers and closes its file. */
  async close(): Promise<void> {
    this.#withdraw();
    this.#viewers.clear();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #accept(session: Session): NamedHandler {
    return {
      receive: ([kind, , value]) => {
        if (kind === Kind.view) this.#view(session, String(value));
        if (kind === Kind.seen) this.#applied(session, Number(value));
      },
      reset: () => this.#forget(session),
    };
  }

  #view(session: Session, under: string): void {
    this.#viewers.set(session, { session, under, version: 0 });
    const entries = [...this.#entries]
      .filter(([key]) => key.startsWith(under))
      .map(([key, { value, version }]) => [key, value, version]);
    tell(session, VERB_STATE, [Kind.snapshot, this.name, this.#version, entries]);
  }

  #applied(session: Session, version: number): void {
    const viewing = this.#viewers.get(session);
    if (viewing === undefined) return;
    viewing.version = Math.max(viewing.version, version);
    this.#wake();
  }

  #forget(session: Session): void {
    this.#viewers.delete(session);
    this.#wake();
  }

  #publish(changes: readonly Change[]): void {
    this.#version++;
    const send = async (headers: Headers): Promise<void> => {
      for (const { session, under } of this.#viewers.values()) {
        // Viewers of other keys get the version as well: they have seen it by seeing nothing.
        const theirs = changes.filter(([key]) => key.startsWith(under));
        tell(session, VERB_STATE, [Kind.delta, this.name, this.#version, theirs, headers]);
      }
    };
    const attributes = { "zp.version": this.#version, "zp.keys": changes.length };
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
