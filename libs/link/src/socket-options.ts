import type { KeyPair } from "./keys.ts";
import type { SocketKind } from "./raw-socket.ts";

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
  /** Frames of a message received (default 64, without the route); one with more is dropped. */
  readonly framesMax?: number;
  /** Bytes of a message received (default 32 MiB); a larger one is dropped. */
  readonly messageBytesMax?: number;
  /** Messages that may wait in libzmq, 0 for no limit (default 0: credits are the limit). */
  readonly highWaterMark?: number;
  /** Queue nothing for a peer that is not connected (default false). */
  readonly immediate?: boolean;
  /** Prefixes a `sub` socket asks for. */
  readonly subscribe?: readonly string[];
  /**
   * How often the I/O thread asks the other side for a sign of life, milliseconds from 100 (default
   * 2 000 for a side that connects, never for one that binds). A connection is given up after three
   * that were silent (2.5 by default).
   */
  readonly lineBeatMs?: number | undefined;
  /** Sent by the router's own I/O thread in the name of a peer whose connection ended. */
  readonly lostMessage?: Uint8Array;
  /** Sent by the I/O thread itself as the first message of each new connection. */
  readonly helloMessage?: Uint8Array;
  /** Called with the reason when a message could not be sent: `EHOSTUNREACH`, `EAGAIN`. */
  readonly onUnsent?: (code: string, frames: readonly Uint8Array[]) => void;
  /** Allows a worker thread (default false): it must close the socket before it is terminated. */
  readonly worker?: boolean;
}

export const FRAMES_MAX = 64;
export const MESSAGE_BYTES_MAX = 32 * 1024 * 1024;
const FRAME_BYTES_MAX = 16 * 1024 * 1024;

/**
 * A server that comes back is found within the longest pause, and a first round trip with a new
 * connection, CURVE and a hello takes some 10 ms more, so that 64 ms keeps it under 100 ms after
 * any absence (trap 19). An absent server then costs 16 tries a second, which is nothing.
 */
const RECONNECT = { reconnectInterval: 10, reconnectMaxInterval: 64 } as const;

/**
 * Beats of libzmq's own thread tell a line that is dead from a peer that is busy. The side that
 * connects asks, and tells the other how long its silence may last (ZMTP 3.1, TTL). The side that
 * binds does not ask by itself: with thousands of connections its beats would be most of what an
 * idle process does, and when all of them come at once, late answers would cut off those that came.
 * Where libzmq then says nothing, the session's own beats do, a few seconds later.
 */
const HEARTBEAT = {
  heartbeatInterval: 2_000,
  heartbeatTimeout: 5_000,
  heartbeatTimeToLive: 5_000,
} as const;

/** libzmq counts the time to live in tenths of a second. */
const TENTH_MS = 100;

function heartbeat({ lineBeatMs }: SocketOptions): Record<string, unknown> {
  if (lineBeatMs === undefined) return HEARTBEAT;
  const silenceMs = Math.max(TENTH_MS, Math.ceil((3 * lineBeatMs) / TENTH_MS) * TENTH_MS);
  return {
    heartbeatInterval: Math.max(TENTH_MS, lineBeatMs),
    heartbeatTimeout: silenceMs,
    heartbeatTimeToLive: silenceMs,
  };
}

/** The options of the native socket: every rule that libzmq itself can keep. */
export function nativeOptions(kind: SocketKind, options: SocketOptions): Record<string, unknown> {
  const highWaterMark = options.highWaterMark ?? 0;
  const canSend = kind !== "pull" && kind !== "sub";
  const canReceive = kind !== "push" && kind !== "pub";
  const isDialler = kind === "dealer" || kind === "push" || kind === "sub";
  return {
    // Without it a process waits for ever for a peer that cannot be reached (trap 10).
    linger: 100,
    // Without it a peer makes us reserve whatever it announces (trap 22).
    maxMessageSize: options.frameBytesMax ?? FRAME_BYTES_MAX,
    // Without it a connection that says nothing is held for 30 s (trap 27). A side that connects
    // has all that time: a listener to which thousands come at once answers them one by one.
    handshakeInterval: kind === "router" || kind === "pull" || kind === "pub" ? 5_000 : 30_000,
    ...RECONNECT,
    ...((isDialler || options.lineBeatMs !== undefined) && heartbeat(options)),
    backlog: 4_096,
    // A send that waits beside a pending receive can lose the wake-up for ever (trap 1).
    ...(canSend && { sendTimeout: 0, sendHighWaterMark: highWaterMark }),
    // A dialer that has stopped reading when its listener is killed makes libzmq abort the process
    // (`!_io_error`): its session's window is its limit.
    ...(canReceive && { receiveHighWaterMark: kind === "dealer" ? 0 : highWaterMark }),
    // Without it what has no peer vanishes without a word (trap 14).
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
