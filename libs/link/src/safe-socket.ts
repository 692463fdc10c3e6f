import * as zmq from "zeromq";
import { parseEndpoint } from "./endpoint.ts";
import { codeOf, LinkError } from "./errors.ts";
import type { KeyPair } from "./keys.ts";

/** Security of one socket: the side that binds is the CURVE server. */
export interface SocketSecurity {
  readonly key: KeyPair;
  /** Connecting side: the public key the server must prove to hold. */
  readonly serverKey?: string;
  /** Binding side: the domain its ZAP requests carry. */
  readonly zapDomain?: string;
}

/** Options of a {@link SafeSocket}. */
export interface SocketOptions {
  readonly security?: SocketSecurity | undefined;
  /** Largest frame a peer may send, bytes (default 16 MiB); a larger one cuts its connection. */
  readonly frameBytesMax?: number;
  /** Messages that may wait in libzmq, 0 for no limit (default 0: credits are the limit). */
  readonly highWaterMark?: number;
  /** Queue nothing for a peer that is not connected (default false). */
  readonly immediate?: boolean;
  /** Prefixes a `sub` socket asks for. */
  readonly subscribe?: readonly string[];
  /** Sent by the router's own I/O thread in the name of a peer whose connection ended. */
  readonly lostMessage?: Uint8Array;
  /** Sent by the I/O thread itself as the first message of each new connection. */
  readonly helloMessage?: Uint8Array;
  /** Called with the reason when a message could not be sent: `EHOSTUNREACH`, `EAGAIN`. */
  readonly onUnsent?: (code: string, frames: readonly Uint8Array[]) => void;
}

/** What a socket is and did, for `sockets` of a process. */
export interface SocketStats {
  readonly kind: SocketKind;
  readonly endpoints: readonly string[];
  readonly messagesIn: number;
  readonly messagesOut: number;
  readonly unsent: number;
}

const KINDS = {
  router: zmq.Router,
  dealer: zmq.Dealer,
  push: zmq.Push,
  pull: zmq.Pull,
  pub: zmq.Publisher,
  sub: zmq.Subscriber,
} as const;

/** The socket types in use. */
export type SocketKind = keyof typeof KINDS;

/** What the native classes have in common; each offers the half that its type can do. */
interface RawSocket {
  readonly closed: boolean;
  readonly lastEndpoint: string | null;
  bind(endpoint: string): Promise<void>;
  unbind(endpoint: string): Promise<void>;
  connect(endpoint: string): void;
  disconnect(endpoint: string): void;
  close(): void;
  send(message: readonly Uint8Array[]): Promise<void>;
  receive(): Promise<Buffer[]>;
  subscribe(...prefixes: string[]): void;
  setStringOption(option: number, value: Buffer): void;
}

const HELLO_MSG = 110;
const DISCONNECT_MSG = 111;
const HICCUP_MSG = 114;

/** ZeroMQ's own limit is 1023 sockets; it can only be raised before the first one. */
zmq.context.maxSockets = 16_384;

/** Every open socket: one that nobody refers to is closed by the garbage collector (trap 17). */
const open = new Set<SafeSocket>();

/** True when the shipped libzmq reports the end of a connection in band. */
export const hasDraft = zmq.capability.draft === true && process.env["ZP_NO_DRAFT"] !== "1";

/** Counters of every socket of this process. */
export function sockets(): SocketStats[] {
  return [...open].map((socket) => socket.stats());
}

/**
 * A ZeroMQ socket without the traps of zeromq.js (docs/adr/0002): sends never wait and never
 * throw, receiving is one async iterator, monitors, proxies and `readable` are out of reach, and
 * closing is bounded. Flow control is the business of the layer above.
 */
export class SafeSocket implements AsyncDisposable {
  readonly kind: SocketKind;
  readonly #socket: RawSocket;
  readonly #onUnsent: SocketOptions["onUnsent"];
  readonly #endpoints: string[] = [];
  readonly #bound: string[] = [];
  #messagesIn = 0;
  #messagesOut = 0;
  #unsent = 0;
  #closing = false;

  constructor(kind: SocketKind, options: SocketOptions = {}) {
    this.kind = kind;
    this.#onUnsent = options.onUnsent;
    this.#socket = new KINDS[kind](nativeOptions(kind, options)) as unknown as RawSocket;
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
      await this.#socket.bind(endpoint);
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

  /** Connects in the background, again and again: 10 ms after a loss, growing to 200 ms. */
  connect(endpoint: string): void {
    parseEndpoint(endpoint);
    this.#socket.connect(endpoint);
    this.#endpoints.push(endpoint);
  }

  /** Ends one connection; what was queued for it is gone. */
  disconnect(endpoint: string): void {
    this.#socket.disconnect(endpoint);
    this.#endpoints.splice(this.#endpoints.indexOf(endpoint), 1);
  }

  /** Asks for one more prefix (`sub` only). */
  subscribe(prefix: string): void {
    this.#socket.subscribe(prefix);
  }

  /**
   * Hands a message to libzmq at once. The frames must not be changed afterwards: beyond 128
   * bytes they are not copied (trap 6). What cannot be sent is counted and told to `onUnsent`.
   * @returns false when it is known at once that nothing was sent
   */
  send(frames: readonly Uint8Array[]): boolean {
    if (this.closed) return false;
    this.#messagesOut++;
    try {
      this.#socket.send(frames).catch((error: unknown) => this.#failed(error, frames));
      return true;
    } catch (error) {
      this.#failed(error, frames);
      return false;
    }
  }

  /** As {@link send}, but resolves to whether libzmq took it. For senders that keep what did not go. */
  async offer(frames: readonly Uint8Array[]): Promise<boolean> {
    if (this.closed) return false;
    try {
      await this.#socket.send(frames);
      this.#messagesOut++;
      return true;
    } catch {
      this.#unsent++;
      return false;
    }
  }

  /** Messages as they come, until the socket is closed. One reader only. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer[], void, undefined> {
    while (!this.closed) {
      const frames = await this.#receive();
      if (frames === undefined) continue;
      this.#messagesIn++;
      yield frames;
    }
  }

  /** @returns `undefined` when there was nothing after all, or the socket is closed */
  async #receive(): Promise<Buffer[] | undefined> {
    try {
      return await this.#socket.receive();
    } catch (error) {
      if (this.closed) return undefined;
      // libzmq may announce a message and then have none: a peer that left, or was turned away.
      if (codeOf(error) !== "EAGAIN") throw error;
      await new Promise((resolve) => setImmediate(resolve));
      return undefined;
    }
  }

  get closed(): boolean {
    return this.#closing || this.#socket.closed;
  }

  stats(): SocketStats {
    return {
      kind: this.kind,
      endpoints: [...this.#endpoints],
      messagesIn: this.#messagesIn,
      messagesOut: this.#messagesOut,
      unsent: this.#unsent,
    };
  }

  /** Closes; what libzmq still holds has 100 ms to leave. Safe to call again. */
  close(): void {
    open.delete(this);
    this.#closing = true;
    if (!this.#socket.closed) this.#socket.close();
  }

  /** As {@link close}, and the endpoints it has bound are free again when this resolves. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.closed) return;
    this.#closing = true;
    for (const endpoint of this.#bound) await this.#socket.unbind(endpoint).catch(() => undefined);
    this.close();
  }

  #setDraftOptions({ lostMessage, helloMessage }: SocketOptions): void {
    const lost = this.kind === "router" ? DISCONNECT_MSG : HICCUP_MSG;
    if (lostMessage) this.#socket.setStringOption(lost, Buffer.from(lostMessage));
    if (helloMessage) this.#socket.setStringOption(HELLO_MSG, Buffer.from(helloMessage));
  }

  #failed(error: unknown, frames: readonly Uint8Array[]): void {
    if (this.closed) return;
    this.#unsent++;
    this.#onUnsent?.(codeOf(error) ?? "EUNKNOWN", frames);
  }
}

function nativeOptions(kind: SocketKind, options: SocketOptions): Record<string, unknown> {
  const highWaterMark = options.highWaterMark ?? 0;
  const canSend = kind !== "pull" && kind !== "sub";
  const canReceive = kind !== "push" && kind !== "pub";
  return {
    linger: 100,
    maxMessageSize: options.frameBytesMax ?? 16 * 1024 * 1024,
    handshakeInterval: 5_000,
    reconnectInterval: 10,
    reconnectMaxInterval: 200,
    heartbeatInterval: 1_000,
    heartbeatTimeout: 3_000,
    backlog: 1_024,
    // A send that waits beside a pending receive can lose the wake-up for ever (trap 1).
    ...(canSend && { sendTimeout: 0, sendHighWaterMark: highWaterMark }),
    ...(canReceive && { receiveHighWaterMark: highWaterMark }),
    ...(kind === "router" && { mandatory: true }),
    ...(canSend &&
      kind !== "router" &&
      kind !== "pub" && { immediate: options.immediate ?? false }),
    ...curveOptions(options.security),
  };
}

function curveOptions(security: SocketSecurity | undefined): Record<string, unknown> {
  if (security === undefined) return {};
  const { key, serverKey, zapDomain } = security;
  if (serverKey !== undefined) {
    const curveSecretKey = key.reveal();
    return { curveServerKey: serverKey, curvePublicKey: key.publicKey, curveSecretKey };
  }
  // Without both ZAP options libzmq lets every key in when the handler is away (trap 12).
  const zap = { zapDomain: zapDomain ?? "zeroplane", zapEnforceDomain: true };
  return { curveServer: true, curveSecretKey: key.reveal(), ...zap };
}
