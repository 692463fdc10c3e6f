import { parseEndpoint } from "./endpoint.ts";
import { codeOf, LinkError } from "./errors.ts";
import { bindWhenFree, freed } from "./freed-endpoints.ts";
import { hasDraft, openRaw, type RawSocket, type SocketKind } from "./raw-socket.ts";
import {
  FRAMES_MAX,
  MESSAGE_BYTES_MAX,
  nativeOptions,
  type SocketOptions,
} from "./socket-options.ts";
import { requireMainThread, requireMessage, uninterrupted } from "./socket-rules.ts";
import { type SocketStats, Tally } from "./socket-stats.ts";
import { nextTurn, Turn } from "./turn.ts";

const HELLO_MSG = 110;
const DISCONNECT_MSG = 111;
const HICCUP_MSG = 114;

/** Messages that wait for the next turn; with more, all of them are handed to libzmq at once. */
const WAITING_MAX = 8_192;

/** Every open socket: one that nobody refers to is closed by the garbage collector (trap 17). */
const open = new Set<SafeSocket>();

/** Counters of every socket of this process. */
export function sockets(): SocketStats[] {
  return [...open].map((socket) => socket.stats());
}

/**
 * A ZeroMQ socket without the traps of zeromq.js (docs/adr/0002, src/traps): sends never wait,
 * receiving is one async iterator, neither keeps the event loop from others, monitors, proxies and
 * `readable` are out of reach, and closing is bounded. Flow control is the business of the layer
 * above.
 */
export class SafeSocket implements AsyncDisposable {
  readonly kind: SocketKind;
  readonly #socket: RawSocket;
  readonly #options: SocketOptions;
  readonly #endpoints: string[] = [];
  readonly #bound: string[] = [];
  readonly #sending = new Turn();
  readonly #receiving = new Turn();
  readonly #unsent = new Tally();
  readonly #refused = new Tally();
  #waiting: (readonly Uint8Array[])[] = [];
  #sent = 0;
  #received = 0;
  #closing = false;

  /**
   * @throws LinkError ERR_LINK_THREAD in a worker thread without `worker: true`,
   *   ERR_LINK_OVERLOADED beyond 16 384 sockets or the process's limit of open files
   */
  constructor(kind: SocketKind, options: SocketOptions = {}) {
    requireMainThread(options.worker);
    this.kind = kind;
    this.#options = options;
    this.#socket = openRaw(kind, nativeOptions(kind, options));
    if (kind === "sub") this.#socket.subscribe(...(options.subscribe ?? [""]));
    if (hasDraft) this.#setDraftOptions(options);
    open.add(this);
  }

  /**
   * @param endpoint `tcp://host:port`, `tcp://host:*` for any free port, or `ipc:///path`
   * @returns the endpoint with the real port
   * @throws LinkError ERR_LINK_ENDPOINT when it is in use or cannot be bound
   */
  async bind(endpoint: string): Promise<string> {
    parseEndpoint(endpoint);
    try {
      // `bind()` makes every send throw meanwhile and needs a free pool thread (traps 3 and 9).
      await bindWhenFree(endpoint, () => uninterrupted(() => this.#socket.bindSync(endpoint)));
    } catch (cause) {
      const why = codeOf(cause) === "EADDRINUSE" ? "it is in use" : String(cause);
      const hint = "choose another port, or stop what listens there";
      throw new LinkError("ERR_LINK_ENDPOINT", `cannot bind ${endpoint}: ${why}; ${hint}`, {
        cause,
      });
    }
    const bound = this.#socket.lastEndpoint ?? endpoint;
    this.#endpoints.push(bound);
    this.#bound.push(bound);
    return bound;
  }

  /** Connects in the background, again and again: 10 ms after a loss, growing to 64 ms. */
  connect(endpoint: string): void {
    parseEndpoint(endpoint);
    uninterrupted(() => this.#socket.connect(endpoint));
    this.#endpoints.push(endpoint);
  }

  /** Ends one connection; what was queued for it is gone, uncounted (trap 20). */
  disconnect(endpoint: string): void {
    this.#handOver();
    this.#socket.disconnect(endpoint);
    this.#endpoints.splice(this.#endpoints.indexOf(endpoint), 1);
  }

  /** Asks for one more prefix (`sub` only). */
  subscribe(prefix: string): void {
    this.#socket.subscribe(prefix);
  }

  /**
   * Hands a message to libzmq, 256 in one turn of the event loop and the rest in the next ones.
   * The frames must not be changed afterwards: they are not copied (trap 6). What cannot be sent
   * is counted and told to `onUnsent`.
   * @returns false when it is known at once that nothing was sent
   * @throws LinkError ERR_LINK_ENCODE when it is no message
   */
  send(frames: readonly Uint8Array[]): boolean {
    requireMessage(frames);
    if (this.closed) return this.#refuse();
    if (this.#waiting.length === 0 && !this.#sending.spent) return this.#hand(frames);
    if (this.#waiting.push(frames) === 1) setImmediate(this.#drain);
    if (this.#waiting.length >= WAITING_MAX) this.#handOver();
    return true;
  }

  /**
   * As {@link send}, but resolves to whether libzmq took it. For senders that keep what did not go;
   * lets timers run in between.
   */
  async offer(frames: readonly Uint8Array[]): Promise<boolean> {
    requireMessage(frames);
    if (this.#sending.spent) await nextTurn();
    if (this.closed) return this.#refuse();
    this.#handOver();
    this.#sending.count();
    try {
      await this.#socket.send(frames);
      this.#sent++;
      return true;
    } catch (error) {
      this.#unsent.add(codeOf(error) ?? "EUNKNOWN");
      return false;
    }
  }

  /** Messages as they come, until the socket is closed. One reader only. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer[], void, undefined> {
    while (!this.closed) {
      const frames = await this.#receive();
      if (frames === undefined) continue;
      this.#receiving.count();
      const refusal = this.#breach(frames);
      if (refusal === undefined) {
        this.#received++;
        yield frames;
      } else this.#refused.add(refusal);
      if (this.#receiving.over) await nextTurn();
    }
  }

  get closed(): boolean {
    return this.#closing || this.#socket.closed;
  }

  /** Counters of this socket, and its endpoints. */
  stats(): SocketStats {
    return {
      kind: this.kind,
      endpoints: [...this.#endpoints],
      sent: this.#sent,
      received: this.#received,
      waiting: this.#waiting.length,
      unsent: this.#unsent.toRecord(),
      refused: this.#refused.toRecord(),
    };
  }

  /**
   * Closes; what was sent before has 100 ms to leave. Nothing is unbound (trap 30): libzmq gives up
   * the endpoint a moment later, which {@link bind} of this process waits for. Safe to call again.
   */
  close(): void {
    open.delete(this);
    this.#handOver();
    this.#closing = true;
    if (!this.#socket.closed) this.#socket.close();
    for (const endpoint of this.#bound.splice(0)) freed(endpoint);
  }

  /** As {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** @returns `undefined` when there was nothing after all, or the socket is closed */
  async #receive(): Promise<Buffer[] | undefined> {
    try {
      return await this.#socket.receive();
    } catch (error) {
      if (this.closed) return undefined;
      // libzmq may announce a message and then have none: a peer that left, or was turned away.
      if (codeOf(error) !== "EAGAIN" && codeOf(error) !== "EINTR") throw error;
      await nextTurn();
      return undefined;
    }
  }

  /** The limit that a message breaks: libzmq's own is for each frame only (trap 21). */
  #breach(frames: readonly Buffer[]): string | undefined {
    const { framesMax = FRAMES_MAX, messageBytesMax = MESSAGE_BYTES_MAX } = this.#options;
    if (frames.length > framesMax + (this.kind === "router" ? 1 : 0)) return "frames";
    let bytes = 0;
    for (const frame of frames) bytes += frame.length;
    return bytes > messageBytesMax ? "bytes" : undefined;
  }

  /** With `sendTimeout: 0` this neither waits nor defers, but it may throw or reject (trap 3). */
  #hand(frames: readonly Uint8Array[]): boolean {
    this.#sending.count();
    this.#sent++;
    try {
      this.#socket.send(frames).catch((error: unknown) => this.#failed(error, frames));
      return true;
    } catch (error) {
      this.#failed(error, frames);
      return false;
    }
  }

  /** Sends what waits, as far as this turn goes. */
  readonly #drain = (): void => {
    let done = 0;
    while (done < this.#waiting.length && !this.#sending.spent) {
      this.#hand(this.#waiting[done++] as readonly Uint8Array[]);
    }
    this.#waiting.splice(0, done);
    if (this.#waiting.length > 0) setImmediate(this.#drain);
  };

  /** Sends all that waits. */
  #handOver(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const frames of waiting) this.#hand(frames);
  }

  #setDraftOptions({ lostMessage, helloMessage }: SocketOptions): void {
    const lost = this.kind === "router" ? DISCONNECT_MSG : HICCUP_MSG;
    if (lostMessage) this.#socket.setStringOption(lost, Buffer.from(lostMessage));
    if (helloMessage) this.#socket.setStringOption(HELLO_MSG, Buffer.from(helloMessage));
  }

  #refuse(): false {
    this.#unsent.add("ERR_LINK_CLOSED");
    return false;
  }

  #failed(error: unknown, frames: readonly Uint8Array[]): void {
    const code = codeOf(error) ?? "EUNKNOWN";
    this.#sent--;
    this.#unsent.add(code);
    if (!this.closed) this.#options.onUnsent?.(code, frames);
  }
}
