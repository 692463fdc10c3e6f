/** `up`; `stalled`: there, but its loop is blocked; `down`: no line to it. */
export type PeerState = "up" | "stalled" | "down";

/** A peer as it is known here. */
export interface Peer {
  readonly id: string;
  readonly name: string;
  /** Rises with each life of the process. */
  readonly epoch: number;
  /** Where it listens for peers. */
  readonly at: string;
  /** Its public key, proved, when keys are in use. */
  readonly key?: string | undefined;
  /** Endpoint of each thing that it offers. */
  readonly offers: Readonly<Record<string, string>>;
  /** What it last said of its load; the unit is its own. */
  readonly load: number;
  readonly state: PeerState;
  /** When it came into this state, milliseconds since 1970 on the clock of this host. */
  readonly since: number;
  /** Time to it and back, milliseconds, smoothed; `undefined` until it is measured. */
  readonly rttMs: number | undefined;
}

/** A peer that offers something. */
export interface Offering extends Peer {
  /** Where it offers that. */
  readonly endpoint: string;
}

/**
 * Something about a peer has changed. `up`, `stalled`, `down`: its state; `changed`: its name, its
 * offers or, by a tenth or more, its load; `left`: it is known no more, because it said `goodbye`, or
 * was `forgotten` after it had been down too long.
 */
export type PeerEvent =
  | { readonly kind: PeerState | "changed"; readonly peer: Peer }
  | { readonly kind: "left"; readonly peer: Peer; readonly why: "goodbye" | "forgotten" };
