import { codeOf, LinkError } from "../errors.ts";
import { SessionCore } from "./core.ts";
import type { Hello } from "./hello.ts";
import type { SessionIdentity, SessionSettings, SessionState, SessionStats } from "./settings.ts";
import { ticker } from "./ticker.ts";

/** What a verb does with the records of one session. */
export interface VerbHandler {
  /** One record, in order, once. A body under 16 KiB is only valid during the call. */
  receive(body: Buffer): void;
  /** What was in flight is gone; the session goes on from nothing, or is closed. */
  reset?(): void;
  state?(state: SessionState): void;
}

/** Makes the handler of a verb for a session, when its first record comes. */
export type VerbAcceptor = (session: Session) => VerbHandler;

/** The other side of a session, as far as it is known. */
export interface Peer {
  /** Name the process gave itself. */
  readonly node: string;
  /** The public key it has proved to hold, when keys are in use. */
  readonly key?: string | undefined;
}

/** How a session is put on a line. */
export interface SessionOptions {
  readonly identity: SessionIdentity;
  readonly settings: SessionSettings;
  readonly send: (frames: readonly Uint8Array[]) => void;
  /** Where the peer is, for messages. */
  readonly endpoint: string;
  /** Handlers for verbs that nobody attached. */
  readonly acceptors?: ReadonlyMap<number, VerbAcceptor>;
  readonly peerKey?: string | undefined;
}

const DRAIN_TIMEOUT_MS = 1_000;
const DRAIN_POLL_MS = 5;

/**
 * A numbered, acknowledged, flow-controlled conversation with one process. Every verb may use the
 * same session; records of one turn of the event loop travel together.
 */
export class Session implements AsyncDisposable {
  readonly endpoint: string;
  readonly #core: SessionCore;
  readonly #acceptors: ReadonlyMap<number, VerbAcceptor>;
  readonly #handlers = new Map<number, VerbHandler>();
  readonly #watchers = new Set<(state: SessionState) => void>();
  readonly #peerKey: string | undefined;
  readonly #flush = (): void => this.#core.flush(performance.now());
  #refused = 0;

  constructor(role: "dialer" | "acceptor", options: SessionOptions) {
    this.endpoint = options.endpoint;
    this.#acceptors = options.acceptors ?? new Map();
    this.#peerKey = options.peerKey;
    const effects = {
      send: options.send,
      deliver: (verb: number, body: Buffer) => this.#deliver(verb, body),
      state: (state: SessionState) => this.#changed(state),
      reset: () => this.#reset(),
      schedule: () => void setImmediate(this.#flush),
    };
    this.#core = new SessionCore(role, options.identity, { settings: options.settings, effects });
    ticker.add(this.#core);
  }

  get peer(): Peer {
    return { node: this.#core.peerNode, key: this.#peerKey };
  }

  get state(): SessionState {
    return this.#core.state;
  }

  /** Takes the records of `verb` (1 to 31). @returns a function that gives them up */
  attach(verb: number, handler: VerbHandler): () => void {
    this.#handlers.set(verb, handler);
    return () => void this.#handlers.delete(verb);
  }

  /** Calls `watch` at each change of state. @returns a function that ends it */
  watch(watch: (state: SessionState) => void): () => void {
    this.#watchers.add(watch);
    return () => void this.#watchers.delete(watch);
  }

  /**
   * Queues one record. It leaves at the end of this turn of the event loop with whatever else
   * this turn has for the peer. A body of 16 KiB or more must not be changed afterwards.
   * @throws LinkError ERR_LINK_OVERLOADED beyond 64 MiB waiting, ERR_LINK_CLOSED after the end
   */
  send(verb: number, body: Uint8Array): void {
    this.#core.append(verb, body, performance.now());
  }

  /** Sends what this turn has so far, now. */
  flush(): void {
    this.#flush();
  }

  /**
   * Waits until the peer is there.
   * @throws LinkError ERR_LINK_TIMEOUT after `timeoutMs`, ERR_LINK_CLOSED when the session ends
   */
  async ready(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.state !== "up") {
      if (this.state === "closed") {
        throw new LinkError("ERR_LINK_CLOSED", `the session with ${this.endpoint} is closed`);
      }
      if (performance.now() >= deadline) {
        const hint = "is it running, and are the keys right?";
        const text = `nobody answers at ${this.endpoint} after ${timeoutMs} ms; ${hint}`;
        throw new LinkError("ERR_LINK_TIMEOUT", text);
      }
      await this.#change(Math.min(1_000, deadline - performance.now()));
    }
  }

  stats(): SessionStats & { readonly state: SessionState; readonly refused: number } {
    return { ...this.#core.stats(), state: this.state, refused: this.#refused };
  }

  /** For the shells: the first word of a dialer. */
  dial(): void {
    this.#core.dial(performance.now());
  }

  /** For the shells: a hello that belongs to this session. */
  accept(hello: Hello, epoch: number): void {
    this.#core.accept(hello, epoch, performance.now());
  }

  /** For the shells: one packet from the line. */
  receive(frames: readonly Buffer[]): void {
    try {
      if (!this.#core.receive(frames, performance.now())) this.#refused++;
    } catch (error) {
      if (codeOf(error)?.startsWith("ERR_LINK_") !== true) throw error;
      this.#refused++;
    }
  }

  /** For the shells: the connection is gone. */
  lineLost(): void {
    this.#core.lineLost(performance.now());
  }

  /** Waits up to 1 s for what was sent to be acknowledged, then ends. Safe to call again. */
  async close(): Promise<void> {
    const deadline = performance.now() + DRAIN_TIMEOUT_MS;
    this.#flush();
    while (this.state === "up" && !this.#core.drained && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
    this.#core.close(performance.now());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  #deliver(verb: number, body: Buffer): void {
    const handler = this.#handlers.get(verb) ?? this.#accepted(verb);
    if (handler === undefined) {
      this.#refused++;
      return;
    }
    try {
      handler.receive(body);
    } catch (error) {
      // One record is refused, not those after it in the packet: they were acknowledged with it.
      if (codeOf(error)?.startsWith("ERR_LINK_") !== true) throw error;
      this.#refused++;
    }
  }

  #accepted(verb: number): VerbHandler | undefined {
    const handler = this.#acceptors.get(verb)?.(this);
    if (handler !== undefined) this.#handlers.set(verb, handler);
    return handler;
  }

  #changed(state: SessionState): void {
    for (const handler of this.#handlers.values()) handler.state?.(state);
    for (const watch of this.#watchers) watch(state);
    if (state !== "closed") return;
    ticker.remove(this.#core);
    this.#reset();
  }

  #reset(): void {
    for (const handler of this.#handlers.values()) handler.reset?.();
  }

  #change(timeoutMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        stop();
        resolve();
      };
      const timer = setTimeout(done, timeoutMs);
      const stop = this.watch(done);
    });
  }
}
