import { randomBytes, timingSafeEqual } from "node:crypto";
import { type KeyPair, proveKey } from "../keys.ts";
import { SafeSocket } from "../safe-socket.ts";
import { type Gate, openGate, requireKeys, type Trust } from "../zap.ts";
import { LOST, nodeName, proofText } from "./dial.ts";
import { decodeHello, type Hello } from "./hello.ts";
import { controlPacket, HEADER_BYTES, Kind, readHeader } from "./packet.ts";
import { Session, type VerbAcceptor } from "./session.ts";
import { SESSION_DEFAULTS, type SessionSettings } from "./settings.ts";

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
  /** Allows a non-loopback endpoint without keys (default false). */
  readonly insecure?: boolean;
  /** Sessions at a time (default 16 384); further hellos are refused and counted. */
  readonly sessionsMax?: number;
}

/** Counters of a listener. `refused` is by reason. */
export interface ListenerStats {
  readonly endpoint: string;
  readonly sessions: number;
  readonly refused: Readonly<Record<string, number>>;
}

interface Accepted {
  readonly session: Session;
  readonly key: string | undefined;
  route: Buffer;
}

const SESSIONS_MAX = 16_384;
const RESET = controlPacket({ kind: Kind.reset, epoch: 0, seq: 0, ack: 0, window: 0 });

/** The bound side of any number of sessions, of any verbs. */
export class Listener implements AsyncDisposable {
  readonly endpoint: string;
  readonly #socket: SafeSocket;
  readonly #gate: Gate | undefined;
  readonly #options: ListenOptions;
  readonly #acceptors = new Map<number, VerbAcceptor>();
  readonly #byRoute = new Map<string, Accepted>();
  readonly #bySession = new Map<string, Accepted>();
  readonly #refused = new Map<string, number>();

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
    void this.#run();
  }

  /** Offers `verb` (1 to 31) to every session. @returns a function that takes it back */
  accept(verb: number, acceptor: VerbAcceptor): () => void {
    this.#acceptors.set(verb, acceptor);
    return () => void this.#acceptors.delete(verb);
  }

  /** The sessions that are open or may be resumed. */
  sessions(): Session[] {
    return [...this.#bySession.values()].map(({ session }) => session);
  }

  stats(): ListenerStats {
    const refused = Object.fromEntries(this.#refused);
    const handshakes = this.#gate?.refused() ?? 0;
    if (handshakes > 0) refused["handshake"] = handshakes;
    return { endpoint: this.endpoint, sessions: this.#bySession.size, refused };
  }

  /** Ends every session after its last words, and the socket. Safe to call again. */
  async close(): Promise<void> {
    await Promise.all(this.sessions().map((session) => session.close()));
    await this.#socket[Symbol.asyncDispose]();
    this.#gate?.[Symbol.dispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** The line of a peer that cannot be reached any more. */
  unreachable(route: Uint8Array | undefined): void {
    if (route === undefined) return;
    this.#byRoute.get(Buffer.from(route).toString("latin1"))?.session.lineLost();
  }

  async #run(): Promise<void> {
    for await (const [route, ...frames] of this.#socket) {
      if (route !== undefined) this.#receive(route, frames);
    }
  }

  #receive(route: Buffer, frames: Buffer[]): void {
    const known = this.#byRoute.get(route.toString("latin1"));
    const [first] = frames;
    const kind = known && first?.[1] !== Kind.hello ? undefined : this.#kindOf(first);
    if (kind === undefined) {
      if (known === undefined) this.#refuse("protocol");
      else known.session.receive(frames);
    } else if (kind === Kind.hello) this.#hello(route, first?.subarray(HEADER_BYTES));
    else if (kind !== Kind.lost && kind !== Kind.bye) this.#socket.send([route, RESET]);
  }

  #kindOf(frame: Buffer | undefined): number | undefined {
    return frame === undefined ? undefined : readHeader(frame)?.kind;
  }

  #hello(route: Buffer, body: Buffer | undefined): void {
    let hello: Hello;
    try {
      hello = decodeHello(body ?? Buffer.alloc(0));
    } catch {
      this.#refuse("hello");
      return;
    }
    if (!this.#proves(hello)) {
      this.#refuse("key");
      return;
    }
    const id = Buffer.from(hello.session).toString("hex");
    const accepted = this.#bySession.get(id) ?? this.#create(id, hello, route);
    if (accepted === undefined || accepted.key !== hello.key) {
      this.#refuse(accepted === undefined ? "sessions" : "key");
      return;
    }
    this.#byRoute.delete(accepted.route.toString("latin1"));
    accepted.route = Buffer.from(route);
    this.#byRoute.set(accepted.route.toString("latin1"), accepted);
    accepted.session.accept(hello, randomBytes(2).readUInt16BE());
  }

  #proves(hello: Hello): boolean {
    const { keys } = this.#options;
    if (keys === undefined) return true;
    const { key, proof, session } = hello;
    if (key === undefined || proof?.length !== 32 || !keys.trust(key)) return false;
    return timingSafeEqual(proof, proveKey(keys.key, key, proofText(session, key)));
  }

  #create(id: string, hello: Hello, route: Buffer): Accepted | undefined {
    const { node = nodeName(), sessionsMax = SESSIONS_MAX } = this.#options;
    if (this.#bySession.size >= sessionsMax) return undefined;
    const session = new Session("acceptor", {
      identity: { node, newSession: () => hello.session },
      settings: { ...SESSION_DEFAULTS, ...this.#options },
      send: (frames) => void this.#socket.send([accepted.route, ...frames]),
      endpoint: this.endpoint,
      acceptors: this.#acceptors,
      peerKey: hello.key,
    });
    const accepted: Accepted = { session, key: hello.key, route: Buffer.from(route) };
    this.#bySession.set(id, accepted);
    session.watch((state) => {
      if (state !== "closed") return;
      this.#bySession.delete(id);
      this.#byRoute.delete(accepted.route.toString("latin1"));
    });
    return accepted;
  }

  #refuse(reason: string): void {
    this.#refused.set(reason, (this.#refused.get(reason) ?? 0) + 1);
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
    lostMessage: LOST,
    onUnsent: (_code, [route]) => listener?.unreachable(route),
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
