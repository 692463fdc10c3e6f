import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { type KeyPair, proveKey } from "../keys.ts";
import { hasDraft } from "../raw-socket.ts";
import { SafeSocket } from "../safe-socket.ts";
import { VIA_MAX, type Via } from "./hello.ts";
import { Kind, KNOCK, LINE_MESSAGES_MAX, LOST } from "./packet.ts";
import { redialWhileAway } from "./redial.ts";
import { Session } from "./session.ts";
import { SESSION_DEFAULTS, type SessionIdentity, type SessionSettings } from "./settings.ts";

/** The keys a dialer needs: its own pair, and whom it wants to find. */
export interface DialKeys {
  readonly key: KeyPair;
  readonly serverKey: string;
}

/** Options of {@link dial}. */
export interface DialOptions extends Partial<SessionSettings> {
  /** Name of this process, shown to the peer (default host and pid). */
  readonly node?: string;
  /** Encrypts and authenticates the line; without it the peer must be open to everyone. */
  readonly keys?: DialKeys | undefined;
  /** What this side can do, for the peer to see: at most 32 names of 64 characters. */
  readonly capabilities?: readonly string[] | undefined;
  /** On whose behalf this side dials, nearest first, at most 8; see {@link relay}. */
  readonly via?: readonly Via[] | undefined;
  /**
   * How often libzmq's own thread asks the other side for a sign of life, milliseconds from 100
   * (default 2 000); the line is lost after three that were silent (2.5 by default). It answers even
   * while the other side's loop is blocked.
   */
  readonly lineBeatMs?: number | undefined;
  /** Let libzmq tell the ends of connections (default true when it can). */
  readonly draft?: boolean | undefined;
}

/** A knock at each new connection makes repeated hellos a mere precaution. */
const KNOCKING_HELLO_MS = 5_000;
const HELLO_MS = 250;
const HEARD_MS = 5_000;

const NODE = `${hostname()}/${process.pid}`;

/** Default name of this process. */
export const nodeName = (): string => NODE;

/** Bytes that a proof of key is made over. */
export const proofText = (session: Uint8Array, key: string): Buffer =>
  Buffer.concat([Buffer.from("zp1 hello"), session, Buffer.from(key)]);

function identityOf(options: DialOptions): SessionIdentity {
  const { keys, capabilities = [], via = [] } = options;
  const node = options.node ?? nodeName();
  const newSession = (): Uint8Array => randomBytes(16);
  const who = { node, capabilities, via: via.slice(0, VIA_MAX), newSession };
  if (keys === undefined) return who;
  const key = keys.key.publicKey;
  const prove = (session: Uint8Array): { key: string; proof: Uint8Array } => ({
    key,
    proof: proveKey(keys.key, keys.serverKey, proofText(session, key)),
  });
  return { ...who, prove };
}

/**
 * Opens a session to whoever listens at `endpoint`, now or later: it is dialled again after every
 * loss, until it is closed. Records sent meanwhile wait, up to 64 MiB.
 * @param endpoint `tcp://host:port` or `ipc:///path`
 * @throws LinkError ERR_LINK_ENDPOINT when that is not an endpoint
 */
export function dial(endpoint: string, options: DialOptions = {}): Session {
  const draft = hasDraft && options.draft !== false;
  const socket = new SafeSocket("dealer", {
    security: options.keys,
    ...(draft && { lostMessage: LOST, helloMessage: KNOCK }),
    highWaterMark: LINE_MESSAGES_MAX,
    lineBeatMs: options.lineBeatMs,
  });
  const session = new Session("dialer", {
    identity: identityOf(options),
    settings: { ...SESSION_DEFAULTS, helloMs: draft ? KNOCKING_HELLO_MS : HELLO_MS, ...options },
    send: (frames) => void socket.send(frames),
    endpoint,
  });
  session.watch((state) => {
    if (state === "closed") socket.close();
  });
  socket.connect(endpoint);
  session.dial();
  redialWhileAway(session, () => {
    // Somebody is there and slow: a new connection would only make it slower.
    if (performance.now() - heardAtMs < HEARD_MS) return;
    socket.disconnect(endpoint);
    socket.connect(endpoint);
    session.dial();
  });
  let heardAtMs = Number.NEGATIVE_INFINITY;
  const receiveAll = async (): Promise<void> => {
    for await (const frames of socket) {
      // Its own word that a connection ended is no sign of the peer.
      if (frames[0]?.[1] !== Kind.lost) heardAtMs = performance.now();
      session.receive(frames);
    }
  };
  void receiveAll();
  return session;
}
