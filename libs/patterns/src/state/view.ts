import {
  compose,
  type DialOptions,
  decode,
  type Headers,
  type Interceptor,
  intercept,
} from "@zeroplane/link";
import { type Message, sessionTo, type To, tell } from "../channel.ts";
import { PatternError } from "../errors.ts";
import { attach } from "../names.ts";
import { VERB_STATE } from "../verbs.ts";
import { Kind } from "./protocol.ts";

/** Options of {@link viewState}. */
export interface ViewOptions<T> extends Pick<DialOptions, "keys" | "node"> {
  /** Only keys that begin with this (default all). */
  readonly under?: string;
  /**
   * Called after each snapshot and change, one at a time; the owner hears that the version was
   * seen when this has resolved. An error is told to `onError` and the version is not seen.
   */
  readonly apply?: (view: View<T>) => void | Promise<void>;
  /** Called with what a handler of changes has thrown. */
  readonly onError?: (error: unknown) => void;
  readonly interceptors?: readonly Interceptor[];
}

const ASK_MS = 500;

/** A live copy of a state, or of the part of it under a prefix. */
export class View<T> implements AsyncDisposable {
  readonly name: string;
  readonly #under: string;
  readonly #options: ViewOptions<T>;
  readonly #interceptor: Interceptor | undefined;
  readonly #session: ReturnType<typeof sessionTo>;
  #entries = new Map<string, T>();
  /** Pieces of a snapshot that is not whole yet. */
  #pieces: Map<string, T> | undefined;
  #epoch = 0;
  readonly #ends: (() => void)[] = [];
  readonly #first = Promise.withResolvers<void>();
  #version = 0;
  #hasSnapshot = false;
  #headers: Headers = {};
  #applying: Promise<void> | undefined;

  /** Use {@link viewState}. */
  constructor(to: To, name: string, options: ViewOptions<T>) {
    this.name = name;
    this.#under = options.under ?? "";
    this.#options = options;
    this.#interceptor = compose(options.interceptors);
    this.#session = sessionTo(to, options);
    const { session } = this.#session;
    const detach = attach(
      session,
      { verb: VERB_STATE, name },
      {
        receive: (message) => this.#receive(message),
        reset: () => {
          this.#hasSnapshot = false;
          this.#pieces = undefined;
        },
      },
    );
    const stop = session.watch((state) => {
      if (state === "up") this.#ask();
    });
    // The owner may open the state after its listener.
    const timer = setInterval(() => this.#ask(), ASK_MS);
    this.#ends.push(detach, stop, () => clearInterval(timer));
    this.#ask();
  }

  /** Which life of the owner this view shows: versions of two lives are not compared. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Version of the state that this view shows; 0 before the first snapshot. */
  get version(): number {
    return this.#version;
  }

  /** True while the owner is there, so that nothing newer is unknown for longer than a moment. */
  get fresh(): boolean {
    return this.#hasSnapshot && this.#session.session.state === "up";
  }

  /** The value of `key` as this view last heard of it, or `undefined`. */
  get(key: string): T | undefined {
    return this.#entries.get(key);
  }

  /** Keys and values, sorted by key. */
  entries(): [string, T][] {
    return [...this.#entries].sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /** Waits for the first snapshot. @throws PatternError ERR_TIMEOUT after `timeoutMs` */
  async ready(timeoutMs: number): Promise<void> {
    const { endpoint } = this.#session.session;
    const late = Promise.withResolvers<never>();
    const text = `${this.name}: no snapshot from ${endpoint} after ${timeoutMs} ms`;
    const timer = setTimeout(() => late.reject(new PatternError("ERR_TIMEOUT", text)), timeoutMs);
    try {
      await Promise.race([this.#first.promise, late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Stops viewing. */
  async close(): Promise<void> {
    for (const end of this.#ends.splice(0)) end();
    await this.#applying;
    await this.#session.end();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #ask(): void {
    const { session } = this.#session;
    // What begins to come is waited for; without an answer the owner may not know the verb yet.
    if (this.#pieces !== undefined || this.#hasSnapshot || session.state !== "up") return;
    tell(session, VERB_STATE, [Kind.view, this.name, this.#under]);
  }

  #receive([kind, , a, b, c, d]: Message): void {
    if (kind === Kind.snapshot && Array.isArray(c)) {
      this.#pieces ??= new Map();
      change(this.#pieces, c);
      if (d !== true) return;
      this.#entries = this.#pieces;
      this.#pieces = undefined;
      this.#hasSnapshot = true;
      this.#epoch = Number(a);
      this.#changed(Number(b), {});
    } else if (kind === Kind.delta && this.#hasSnapshot && Array.isArray(b)) {
      change(this.#entries, b);
      this.#changed(Number(a), (c ?? {}) as Headers);
    }
  }

  #changed(version: number, headers: Headers): void {
    this.#version = version;
    this.#headers = headers;
    this.#first.resolve();
    this.#applying ??= this.#apply().finally(() => {
      this.#applying = undefined;
    });
  }

  /** Applies until nothing newer has come meanwhile: many quick changes are applied as one. */
  async #apply(): Promise<void> {
    for (let done = ""; done !== `${this.#epoch}/${this.#version}`; ) {
      const [epoch, version] = [this.#epoch, this.#version];
      done = `${epoch}/${version}`;
      try {
        await intercept(
          this.#interceptor,
          () => this.#operation(),
          async () => this.#options.apply?.(this),
        );
        tell(this.#session.session, VERB_STATE, [Kind.seen, this.name, epoch, version]);
      } catch (error) {
        this.#options.onError?.(error);
      }
    }
  }

  #operation(): Parameters<Interceptor>[0] {
    const { peer } = this.#session.session;
    const attributes = { "zp.version": this.#version };
    const headers = this.#headers;
    return {
      verb: "state",
      side: "consumer",
      name: this.name,
      headers,
      peer: peer.node,
      attributes,
    };
  }
}

function change<T>(entries: Map<string, T>, changes: readonly unknown[]): void {
  for (const each of changes as [key: string, bytes?: Uint8Array][]) {
    const [key, bytes] = each;
    if (bytes === undefined) entries.delete(key);
    else entries.set(key, decode(bytes) as T);
  }
}

/**
 * Views a state that was opened with `openState`, now or whenever it is there, until closed.
 * @param to endpoint of the listener it was opened on, or a session to it
 */
export function viewState<T>(to: To, name: string, options: ViewOptions<T> = {}): View<T> {
  return new View<T>(to, name, options);
}
