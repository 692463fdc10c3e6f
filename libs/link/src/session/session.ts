import { codeOf } from "../errors.ts";
import { taps } from "../tap.ts";
import { SessionCore } from "./core.ts";
import type { Hello, Via } from "./hello.ts";
import type { SessionIdentity, SessionSettings, SessionState, SessionStats } from "./settings.ts";
import { ticker } from "./ticker.ts";
import { SessionWaits, type WaitOptions } from "./waits.ts";

/** What a verb does with the records of one session. */
export interface VerbHandler {
  /** One record, in order, once. A body under 16 KiB is only valid during the call. */
  receive(body: Buffer, verb: number): void;
  /** Called instead of `receive` when it is there, without a Buffer for each record. */
  read?(bytes: Buffer, start: number, end: number): void;
  /** What was in flight is gone; the session goes on from nothing, or is closed. */
  reset?(): void;
  /** The session has changed its state. */
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
  /** What it says it can do. */
  readonly capabilities: readonly string[];
  /** For whom it speaks, nearest first, when it is a relay; believe it as far as you trust `key`. */
  readonly via: readonly Via[];
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
  readonly #waits: SessionWaits;
  readonly #peerKey: string | undefined;
  readonly #flush = (): void => this.#core.flush(performance.now());
  readonly #turned = (): void => this.#core.turned(performance.now());
  readonly #refused = new Map<string, number>();

  constructor(role: "dialer" | "acceptor", options: SessionOptions) {
    this.endpoint = options.endpoint;
    this.#acceptors = options.acceptors ?? new Map();
    this.#peerKey = options.peerKey;
    const effects = {
      send: options.send,
      deliver: this.#deliver.bind(this),
      state: (state: SessionState) => this.#changed(state),
      reset: () => this.#reset(),
      schedule: () => void setImmediate(this.#turned),
      room: () => this.#waits.wake(),
      refused: (reason: string) => this.#waits.refused(reason),
    };
    this.#core = new SessionCore(role, options.identity, { settings: options.settings, effects });
    this.#waits = new SessionWaits(this.#core, options.endpoint);
    ticker.add(this.#core);
  }

  get peer(): Peer {
    const { peerNode, peerCapabilities, peerVia } = this.#core.greeting;
    return { node: peerNode, key: this.#peerKey, capabilities: peerCapabilities, via: peerVia };
  }

  get state(): SessionState {
    return this.#core.state;
  }

  /** Number of this incarnation; another one has forgotten what was before. */
  get epoch(): number {
    return this.#core.greeting.epoch;
  }

  /** Why the peer does not want this side, in words, when it has said so. */
  get refusal(): string | undefined {
    return this.#waits.refusal;
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
    const isFull = this.#core.outbox.append(verb, body);
    if (taps.size > 0) this.#tapped("out", verb, body);
    if (isFull) this.#flush();
  }

  /**
   * As {@link send}, without a copy, for verbs of many small records: gives the place in
   * {@link slab} where `sizeBytes`, less than 16 KiB, are to be written at once and
   * {@link commit} called.
   */
  reserve(verb: number, sizeBytes: number): number {
    return this.#core.outbox.reserve(verb, sizeBytes);
  }

  /** Where reserved records are written; asked for after each `reserve`. */
  get slab(): Buffer {
    return this.#core.outbox.slab;
  }

  /** What was reserved, `sizeBytes` at `at`, is written. */
  commit(verb: number, at: number, sizeBytes: number): void {
    if (taps.size > 0) this.#tapped("out", verb, this.slab.subarray(at, at + sizeBytes));
    if (this.#core.outbox.committed()) this.#flush();
  }

  /** True while few bytes (1 MiB) wait: a sender of many records looks here, and awaits {@link room}. */
  get hasRoom(): boolean {
    return this.#core.outbox.hasRoom;
  }

  /**
   * Waits until few bytes wait for the peer.
   * @param options `timeoutMs` 30 s unless said otherwise
   * @throws LinkError ERR_LINK_TIMEOUT when the peer takes nothing for so long, ERR_LINK_CLOSED
   *   when the session ends; the reason of `signal`
   */
  room(options: WaitOptions = {}): Promise<void> {
    return this.#waits.room(options);
  }

  /** True between {@link pause} and {@link resume}. */
  get paused(): boolean {
    return this.#core.paused;
  }

  /** Takes its credit from the peer: what it has sent by now still comes, the rest waits there. */
  pause(): void {
    this.#core.pause(true);
  }

  /** Gives the peer its credit again. */
  resume(): void {
    this.#core.pause(false);
  }

  /** Sends what this turn has so far, now. */
  flush(): void {
    this.#flush();
  }

  /**
   * Waits until the peer is there.
   * @throws LinkError ERR_LINK_TIMEOUT after `timeoutMs`, ERR_LINK_REFUSED when the peer says that
   *   it does not want us, ERR_LINK_CLOSED when the session ends
   */
  ready(timeoutMs: number, signal?: AbortSignal): Promise<void> {
    return this.#waits.ready(timeoutMs, signal);
  }

  /** Counters; `refused` is by reason. */
  stats(): SessionStats & {
    readonly state: SessionState;
    readonly refused: Readonly<Record<string, number>>;
  } {
    const refused = Object.fromEntries(this.#refused);
    return { ...this.#core.stats(), state: this.state, refused };
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
      const refusal = this.#core.receive(frames, performance.now());
      if (refusal !== undefined) this.#refuse(refusal);
    } catch (error) {
      if (codeOf(error)?.startsWith("ERR_LINK_") !== true) throw error;
      this.#refuse("welcome");
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
    while (this.state === "up" && !this.#core.outbox.isEmpty && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS));
    }
    this.#core.close(performance.now());
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** For the shells: ends at once, with what this turn has so far as last words. */
  end(): void {
    this.#core.close(performance.now());
  }

  #deliver(verb: number, bytes: Buffer, start: number, end: number): void {
    if (taps.size > 0) this.#tapped("in", verb, bytes.subarray(start, end));
    const handler = this.#handlers.get(verb) ?? this.#accepted(verb);
    if (handler === undefined) {
      this.#refuse("verb");
      return;
    }
    try {
      if (handler.read === undefined) handler.receive(bytes.subarray(start, end), verb);
      else handler.read(bytes, start, end);
    } catch (error) {
      // One record is refused, not those after it in the packet: they were acknowledged with it.
      if (codeOf(error)?.startsWith("ERR_LINK_") !== true) throw error;
      this.#refuse("handler");
    }
  }

  #tapped(direction: "in" | "out", verb: number, body: Uint8Array): void {
    const { peer, endpoint } = this;
    for (const tap of taps) tap.see({ direction, verb, body, peer, endpoint });
  }

  #refuse(reason: string): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
  }

  #accepted(verb: number): VerbHandler | undefined {
    const handler = this.#acceptors.get(verb)?.(this);
    if (handler !== undefined) this.#handlers.set(verb, handler);
    return handler;
  }

  #changed(state: SessionState): void {
    for (const handler of this.#handlers.values()) handler.state?.(state);
    for (const watch of this.#watchers) watch(state);
    this.#waits.wake();
    if (state !== "closed") return;
    ticker.remove(this.#core);
    this.#reset();
  }

  #reset(): void {
    for (const handler of this.#handlers.values()) handler.reset?.();
  }
}
