import {
  compose,
  type DialOptions,
  type Headers,
  type Interceptor,
  intercept,
  type Operation,
} from "@zeroplane/link";
import { type Message, sessionTo, type To, tell } from "../channel.ts";
import { inTime } from "../deadline.ts";
import { PatternError } from "../errors.ts";
import { attach, UNKNOWN } from "../names.ts";
import { VERB_STATE } from "../verbs.ts";
import { Changes } from "./changes.ts";
import { CopyFile } from "./copy-file.ts";
import type { Versioned } from "./owner-core.ts";
import { Kind, type WireChange } from "./protocol.ts";
import { type RemoteSetOptions, RemoteSets } from "./remote-sets.ts";
import { type ViewChange, ViewCore } from "./view-core.ts";

/** Options of {@link viewState}. */
export interface ViewOptions<T> extends Pick<DialOptions, "keys" | "node"> {
  /** Only keys that begin with this (default all). */
  readonly under?: string;
  /**
   * Called after each snapshot and change, one at a time; the owner hears that the version was
   * seen when this has resolved. An error is told to `onError` and the version is not seen.
   */
  readonly apply?: (view: View<T>) => void | Promise<void>;
  /**
   * A file with the last known copy, which this view alone uses: it shows that until the owner is
   * there. It is written at most twice a second, and at the end. `apply` is not called for it.
   */
  readonly file?: string;
  /** Called with what a handler of changes has thrown, or why `file` cannot be read or written. */
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
  readonly #core = new ViewCore<T>();
  readonly #sets: RemoteSets;
  readonly #copy: CopyFile<T> | undefined;
  readonly #readers = new Set<Changes<T>>();
  readonly #ends: (() => void)[] = [];
  readonly #first = Promise.withResolvers<void>();
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
    this.#sets = new RemoteSets(name, ({ id, change, options: how, headers }) =>
      tell(session, VERB_STATE, [Kind.put, name, id, change, how, headers]),
    );
    this.#copy = this.#openCopy();
    const lost = (): void => {
      this.#core.lost();
      this.#sets.lost();
    };
    const about = { verb: VERB_STATE, name };
    const detach = attach(session, about, {
      receive: (message) => this.#receive(message),
      reset: lost,
      state: (state) => {
        if (state === "up") this.#ask();
        if (state === "closed") lost();
      },
    });
    // The owner may open the state after its listener.
    const timer = setInterval(() => this.#ask(), ASK_MS);
    this.#ends.push(detach, () => clearInterval(timer));
    this.#ask();
  }

  /** Which life of the owner this view shows: versions of two lives are not compared. */
  get epoch(): number {
    return this.#core.epoch;
  }

  /** Version of the state that this view shows; 0 before there is anything to show. */
  get version(): number {
    return this.#core.version;
  }

  /** True while the owner is there, so that nothing newer is unknown for longer than a moment. */
  get fresh(): boolean {
    return this.#core.hasSnapshot && this.#session.session.state === "up";
  }

  /** The value of `key` as this view last heard of it, or `undefined`. */
  get(key: string): T | undefined {
    return this.#core.at(key)?.value;
  }

  /** The value of `key` with its version, for `set(…, { if })`; `undefined` when it is not there. */
  at(key: string): Versioned<T> | undefined {
    return this.#core.at(key);
  }

  /** Keys and values that begin with `under`, sorted by key. */
  entries(under = ""): [string, T][] {
    return Array.from(this.#core.values(under), ([key, { value }]): [string, T] => [
      key,
      value,
    ]).sort(([a], [b]) => (a < b ? -1 : 1));
  }

  /**
   * What is there under `under`, then each change, until the view is closed or the loop is left. Of
   * each key a slow reader sees only the newest change.
   */
  changes(under = ""): AsyncIterableIterator<ViewChange<T>> & AsyncDisposable {
    const changes = new Changes<T>(under, () => void this.#readers.delete(changes));
    this.#readers.add(changes);
    changes.add(Array.from(this.#core.values(under), ([key, at]) => ({ key, ...at })));
    return changes;
  }

  /**
   * Sets a key at the owner. This view shows it when the owner has told everybody.
   * @param options as of the owner's `set`; `ephemeral`: the key goes with this session;
   *   `timeoutMs` (default 10 000)
   * @returns the version of the state that has it
   * @throws PatternError ERR_CONFLICT; ERR_REFUSED when the owner does not allow it; ERR_TIMEOUT or
   *   ERR_LOST when it may have been set; ERR_OVERLOADED when 1 000 wait for their answers
   */
  set(key: string, value: T, options: RemoteSetOptions = {}): Promise<number> {
    return this.#put([key, value], options);
  }

  /** Removes a key at the owner. @returns and @throws as {@link set} */
  delete(key: string, options: Pick<RemoteSetOptions, "if" | "timeoutMs"> = {}): Promise<number> {
    return this.#put([key], options);
  }

  /** Waits for the first snapshot. @throws PatternError ERR_TIMEOUT after `timeoutMs` */
  async ready(timeoutMs: number): Promise<void> {
    const { endpoint } = this.#session.session;
    const text = `${this.name}: no snapshot from ${endpoint} after ${timeoutMs} ms`;
    await inTime(this.#first.promise, { timeoutMs }, () => new PatternError("ERR_TIMEOUT", text));
  }

  /** Stops viewing. */
  async close(): Promise<void> {
    const { session } = this.#session;
    // The owner need not tell it anything more.
    if (session.state === "up" && session.hasRoom) tell(session, VERB_STATE, [UNKNOWN, this.name]);
    for (const end of this.#ends.splice(0)) end();
    for (const reader of this.#readers) reader.end();
    this.#sets.lost();
    await this.#applying;
    await this.#copy?.close();
    await this.#session.end();
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #ask(): void {
    const { session } = this.#session;
    // What begins to come is waited for; without an answer the owner may not know the verb yet.
    if (this.#core.isFilling || this.#core.hasSnapshot || session.state !== "up") return;
    tell(session, VERB_STATE, [Kind.view, this.name, this.#under]);
  }

  #put(change: readonly [string, unknown?], options: RemoteSetOptions): Promise<number> {
    const attributes = { "zp.key": change[0] };
    const headers: Headers = {};
    // An interceptor gives back what it was given.
    return intercept(
      this.#interceptor,
      () => this.#operation("client", headers, attributes),
      (travelling) => this.#sets.put(change, options, { epoch: this.epoch, headers: travelling }),
    ) as Promise<number>;
  }

  #receive(message: Message): void {
    const [kind, , a, b, c, d, e] = message;
    if (kind === UNKNOWN) {
      this.#core.lost();
      this.#sets.unknown();
    }
    if (kind === Kind.done) this.#sets.done(message);
    if (kind === Kind.snapshot && Array.isArray(c)) {
      const at = { epoch: Number(a), version: Number(b), number: Number(e) };
      const entries = c as WireChange[];
      this.#changed(this.#core.piece({ ...at, entries, isLast: d === true }), {});
    } else if (kind === Kind.delta && Array.isArray(b)) {
      this.#changed(this.#core.delta(Number(a), b as WireChange[]), (c ?? {}) as Headers);
    }
  }

  #changed(changes: readonly ViewChange<T>[] | undefined, headers: Headers): void {
    if (changes === undefined) return;
    this.#headers = headers;
    for (const reader of this.#readers) reader.add(changes);
    this.#copy?.later();
    this.#first.resolve();
    this.#applying ??= this.#apply().finally(() => {
      this.#applying = undefined;
    });
  }

  #openCopy(): CopyFile<T> | undefined {
    const { file, onError } = this.#options;
    if (file === undefined) return undefined;
    const of = { name: this.name, under: this.#under };
    const opened = new CopyFile<T>(file, of, { copy: () => this.#core.copy(), onError });
    const copy = opened.read();
    if (copy !== undefined) this.#core.restore(copy);
    return opened;
  }

  /** Applies until nothing newer has come meanwhile: many quick changes are applied as one. */
  async #apply(): Promise<void> {
    for (let done = ""; done !== `${this.epoch}/${this.version}`; ) {
      const { epoch, version } = this;
      done = `${epoch}/${version}`;
      const attributes = { "zp.version": version };
      try {
        await intercept(
          this.#interceptor,
          () => this.#operation("consumer", this.#headers, attributes),
          async () => this.#options.apply?.(this),
        );
        tell(this.#session.session, VERB_STATE, [Kind.seen, this.name, epoch, version]);
      } catch (error) {
        this.#options.onError?.(error);
      }
    }
  }

  #operation(
    side: "client" | "consumer",
    headers: Headers,
    attributes: Operation["attributes"],
  ): Operation {
    const { peer } = this.#session.session;
    return { verb: "state", side, name: this.name, headers, peer: peer.node, attributes };
  }
}

/**
 * Views a state that was opened with `openState`, now or whenever it is there, until closed.
 * @param to endpoint of the listener it was opened on, or a session to it
 */
export function viewState<T>(to: To, name: string, options: ViewOptions<T> = {}): View<T> {
  return new View<T>(to, name, options);
}
