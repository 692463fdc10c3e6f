import type { Via } from "./hello.ts";

/** Settings of a session. */
export interface SessionSettings {
  /** Silence after which the peer is asked for a sign of life, milliseconds (default 1 000). */
  readonly beatMs: number;
  /** How long a session survives the loss of its line, milliseconds (default 30 000). */
  readonly resumeMs: number;
  /** How often a dialer that has no answer says hello again, milliseconds. */
  readonly helloMs: number;
  /** Bytes this side takes before it has acknowledged them (default 4 MiB). */
  readonly windowBytes: number;
  /** Packets this side takes before it has acknowledged them (default 1 024). */
  readonly windowPackets: number;
  /** Bytes that may wait here for the peer; beyond them a send is refused (default 64 MiB). */
  readonly queueBytesMax: number;
}

/** How often a core is told the time. */
export const TICK_MS = 50;

export const SESSION_DEFAULTS: SessionSettings = {
  beatMs: 1_000,
  resumeMs: 30_000,
  helloMs: 250,
  windowBytes: 4 * 1024 * 1024,
  windowPackets: 1_024,
  queueBytesMax: 64 * 1024 * 1024,
};

/** `up` both ways; `stalled`: connected, but the peer's loop is silent; `down`: no connection. */
export type SessionState = "opening" | "up" | "stalled" | "down" | "closed";

/**
 * Why something that came was not taken: no packet of ours, an acknowledgement of what was never
 * sent, records that are not well formed, a welcome that cannot be read, a kind that nobody knows.
 */
export type Refusal = "protocol" | "ack" | "records" | "welcome" | "kind";

/** What a session core asks of the world around it. */
export interface SessionEffects {
  send(frames: readonly Uint8Array[]): void;
  /**
   * One record, in order, exactly once: `bytes` from `start` up to `end`. Those of a small one are
   * only valid during the call.
   */
  deliver(verb: number, bytes: Buffer, start: number, end: number): void;
  state(state: SessionState): void;
  /** What was in flight is gone; the peer has no memory of this session. */
  reset(): void;
  /** Records wait: call `turned` at the end of this turn of the loop. */
  schedule(): void;
  /** Few bytes wait again, after there were many. */
  room(): void;
  /** The acceptor has answered a hello with this reason instead of a welcome. */
  refused(reason: string): void;
}

/** What a session core is made with. */
export interface SessionParts {
  readonly settings: SessionSettings;
  readonly effects: SessionEffects;
}

/** Who this side is. */
export interface SessionIdentity {
  /** Name of this process. */
  readonly node: string;
  /** What this side can do, for the peer to see: at most 32 names. */
  readonly capabilities?: readonly string[];
  /** On whose behalf this side dials, nearest first; a relay says so. */
  readonly via?: readonly Via[];
  /** A new random session id, 16 bytes. */
  readonly newSession: () => Uint8Array;
  /** Signs a hello, when keys are in use. */
  readonly prove?: (session: Uint8Array) => { readonly key: string; readonly proof: Uint8Array };
}

/** Counters of one session. */
export interface SessionStats {
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly duplicates: number;
  readonly gaps: number;
  /** Packets of an earlier incarnation. */
  readonly stale: number;
  readonly resent: number;
  readonly resets: number;
  readonly queuedBytes: number;
  readonly inFlightBytes: number;
  readonly inFlightPackets: number;
  /** Bytes that the peer takes beyond what it has acknowledged: its credit. */
  readonly creditBytes: number;
}
