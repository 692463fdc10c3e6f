import { randomBytes, timingSafeEqual } from "node:crypto";
import { type KeyPair, proveKey } from "../keys.ts";
import { SafeSocket } from "../safe-socket.ts";
import { type Gate, openGate, requireKeys, type Trust } from "../zap.ts";
import { nodeName, proofText } from "./dial.ts";
import type { Hello } from "./hello.ts";
import { LINE_MESSAGES_MAX, LOST } from "./packet.ts";
import { Session, type VerbAcceptor } from "./session.ts";
import { SESSION_DEFAULTS, type SessionSettings } from "./settings.ts";
import { type ForeignHandler, Switchboard } from "./switchboard.ts";
import { ticker } from "./ticker.ts";

/** The keys a listener needs: its own pair, and who may come in. */
export interface ListenKeys {
  readonly key: KeyPair;
  readonly trust: Trust;
}

/** Options of {@link listen}. */
export interface ListenOptions extends Partial<SessionSettings> {
  /** Name of this process, shown to peers (default host and pid). */
  readonly node?: string;
  readonly keys?: ListenKeys | undefined;
  /** What this side can do, for peers to see: at most 32 names of 64 characters. */
  readonly capabilities?: readonly string[] | undefined;
  /**
   * How often libzmq's own thread asks each dialer for a sign of life, milliseconds from 100; a line
   * is lost after three that were silent. Without it (the default) dialers ask and say how long their
   * silence may last, but libzmq forgets that at each message until it is said again, so that one that
   * is stopped just then is only missed by the beats of its session.
   */
  readonly lineBeatMs?: number | undefined;
  /** Let libzmq tell the ends of connections (default true when it can). */
  readonly draft?: boolean | undefined;
  /** Allows a non-loopback endpoint without keys (default false). */
  readonly insecure?: boolean;
  /**
   * Binds, but answers nobody before {@link Listener.open} (default false): for whoever needs the
   * endpoint before every verb is offered. A record of a verb that is not there would be refused.
   */
  readonly held?: boolean;
  /** Sessions at a time (default 16 384); further hellos are refused and counted. */
  readonly sessionsMax?: number;
}

/** Counters of a listener. `refused` is by reason. */
export interface ListenerStats {
  readonly endpoint: string;
  readonly sessions: number;
  readonly refused: Readonly<Record<string, number>>;
}

const SESSIONS_MAX = 16_384;
const BEAT_MS_A_PEER = 1;
/** How soon a key that is trusted no more loses its sessions. */
const REVOKE_MS = 1_000;

/** The bound side of any number of sessions, of any verbs. */
export class Listener implements AsyncDisposable {
  readonly endpoint: string;
  readonly #socket: SafeSocket;
  readonly #gate: Gate | undefined;
  readonly #options: ListenOptions;
  readonly #acceptors = new Map<number, VerbAcceptor>();
  readonly #board: Switchboard<Session>;
  readonly #guard = { tick: (nowMs: number): void => this.#tick(nowMs) };
  #foreign: ForeignHandler | undefined;
  #checkedAtMs = performance.now();
  #isOpen = false;

  /** Use {@link listen}. */
  constructor(parts: {
    readonly endpoint: string;
    readonly socket: SafeSocket;
    readonly gate: Gate | undefined;
    readonly options: ListenOptions;
  }) {
    this.endpoint = parts.endpoint;
    this.#socket = parts.socket;
    this.#gate = parts.gate;
    this.#options = parts.options;
    this.#board = new Switchboard({
      sessionsMax: parts.options.sessionsMax ?? SESSIONS_MAX,
      admits: (hello) => this.#proves(hello),
      open: (hello, send) => this.#open(hello, send),
      send: (frames) => void this.#socket.send(frames),
      foreign: () => this.#foreign,
      firstEpoch: randomBytes(2).readUInt16BE(),
    });
    if (parts.options.keys !== undefined) ticker.add(this.#guard);
    if (parts.options.held !== true) this.open();
  }

  /** Begins to answer, when the listener was held; what came by now is taken first. */
  open(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    void this.#run();
  }

  /** Offers `verb` (1 to 31) to every session. @returns a function that takes it back */
  accept(verb: number, acceptor: VerbAcceptor): () => void {
    this.#acceptors.set(verb, acceptor);
    return () => {
      // Somebody else may offer it by now.
      if (this.#acceptors.get(verb) === acceptor) this.#acceptors.delete(verb);
    };
  }

  /**
   * Gives messages that are no packets of ours to `handler`, which answers with `send`. A listener
   * with keys has none: who speaks for which key cannot be proved in another protocol.
   * @returns a function that takes it back
   */
  foreign(handler: (send: (frames: readonly Uint8Array[]) => void) => ForeignHandler): () => void {
    if (this.#options.keys !== undefined) return () => undefined;
    const own = handler((frames) => void this.#socket.send(frames));
    this.#foreign = own;
    return () => {
      if (this.#foreign === own) this.#foreign = undefined;
    };
  }

  /** The sessions that are open or may be resumed. */
  sessions(): Session[] {
    return [...this.#board.entries()].map(({ session }) => session);
  }

  /** Sessions now, and what was refused, by reason. */
  stats(): ListenerStats {
    const refused = { ...this.#board.refused(), ...this.#socket.stats().refused };
    const handshakes = this.#gate?.refused() ?? 0;
    if (handshakes > 0) refused["handshake"] = handshakes;
    return { endpoint: this.endpoint, sessions: this.#board.size, refused };
  }

  /** Ends every session after its last words, and the socket. Safe to call again. */
  async close(): Promise<void> {
    ticker.remove(this.#guard);
    await Promise.all(this.sessions().map((session) => session.close()));
    await this.#socket[Symbol.asyncDispose]();
    this.#gate?.[Symbol.dispose]();
  }

  /** Closes: every session ends after what is on its way. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /**
   * Ends every session whose key is not trusted (any more) now, instead of within a second. Whoever
   * had it is refused from then on.
   * @returns how many were ended
   */
  revokeUntrusted(): number {
    const trusted = this.#trusts();
    const revoked = [...this.#board.entries()].filter(({ key }) => !trusted(key));
    for (const { session } of revoked) {
      this.#board.refuse("revoked");
      session.end();
    }
    return revoked.length;
  }

  /** For the shell: a message did not go, because the peer is gone or reads nothing any more. */
  unsent(code: string, route: Uint8Array | undefined): void {
    if (code === "EAGAIN") this.#board.refuse("unread");
    // Whatever else it was (a signal, say), the packet is missed and asked for again.
    const isGone = code === "EAGAIN" || code === "EHOSTUNREACH";
    if (isGone && route !== undefined) this.#board.unreachable(route);
  }

  async #run(): Promise<void> {
    for await (const [route, ...frames] of this.#socket) {
      if (route !== undefined) this.#board.receive(route, frames);
    }
  }

  #tick(nowMs: number): void {
    if (nowMs - this.#checkedAtMs < REVOKE_MS) return;
    this.#checkedAtMs = nowMs;
    this.revokeUntrusted();
  }

  /** Asks for each key once, however many sessions have it. */
  #trusts(): (key: string | undefined) => boolean {
    const known = new Map<string, boolean>();
    const { keys } = this.#options;
    return (key) => {
      if (keys === undefined || key === undefined) return keys === undefined;
      const trusted = known.get(key) ?? this.#stillTrusts(keys.trust, key);
      known.set(key, trusted);
      return trusted;
    };
  }

  /** A list that cannot be read lets nobody in, but does not cut off those who are. */
  #stillTrusts(trust: Trust, key: string): boolean {
    try {
      return trust(key);
    } catch {
      this.#board.refuse("unreadable trust");
      return true;
    }
  }

  #proves(hello: Hello): boolean {
    const { keys } = this.#options;
    if (keys === undefined) return true;
    const { key, proof, session } = hello;
    if (key === undefined || proof?.length !== 32 || !keys.trust(key)) return false;
    return timingSafeEqual(proof, proveKey(keys.key, key, proofText(session, key)));
  }

  /** With very many peers each is asked less often: a thousand a second in all. */
  #settings(): SessionSettings {
    const settings = { ...SESSION_DEFAULTS, ...this.#options };
    return { ...settings, beatMs: Math.max(settings.beatMs, this.#board.size * BEAT_MS_A_PEER) };
  }

  #open(hello: Hello, send: (frames: readonly Uint8Array[]) => void): Session {
    const session = new Session("acceptor", {
      identity: {
        node: this.#options.node ?? nodeName(),
        capabilities: this.#options.capabilities ?? [],
        newSession: () => hello.session,
      },
      settings: this.#settings(),
      send,
      endpoint: this.endpoint,
      acceptors: this.#acceptors,
      peerKey: hello.key,
    });
    session.watch((state) => {
      if (state === "closed") this.#board.forget(hello.session);
    });
    return session;
  }
}

/**
 * Binds `endpoint` and takes sessions. With keys, only whom `trust` names gets in, and that is
 * proved with a stranger's key before this resolves.
 * @param endpoint `tcp://host:port`, `tcp://host:*` for a free port, or `ipc:///path`
 * @throws LinkError ERR_LINK_ENDPOINT when it cannot be bound, ERR_LINK_INSECURE when it would be
 *   open to others without keys
 */
export async function listen(endpoint: string, options: ListenOptions = {}): Promise<Listener> {
  const { keys, insecure } = options;
  requireKeys(endpoint, keys !== undefined, insecure);
  const gate = keys === undefined ? undefined : await openGate(keys.key, keys.trust);
  let listener: Listener | undefined;
  const socket = new SafeSocket("router", {
    security: gate?.security,
    ...(options.draft !== false && { lostMessage: LOST }),
    highWaterMark: LINE_MESSAGES_MAX,
    lineBeatMs: options.lineBeatMs,
    onUnsent: (code, [route]) => listener?.unsent(code, route),
  });
  try {
    const bound = await socket.bind(endpoint);
    await gate?.selfTest(bound);
    listener = new Listener({ endpoint: bound, socket, gate, options });
    return listener;
  } catch (error) {
    socket.close();
    gate?.[Symbol.dispose]();
    throw error;
  }
}
