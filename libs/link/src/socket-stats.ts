import type { SocketKind } from "./raw-socket.ts";

/** What a socket is and did, for `sockets` of a process. Everything counts messages. */
export interface SocketStats {
  readonly kind: SocketKind;
  readonly endpoints: readonly string[];
  /** Handed to libzmq. */
  readonly sent: number;
  /** Given to the reader. */
  readonly received: number;
  /** Wait for the next turns of the event loop to be handed to libzmq. */
  readonly waiting: number;
  /** Not sent, by the code of the reason: `EHOSTUNREACH`, `EAGAIN`, `ERR_LINK_CLOSED`. */
  readonly unsent: Readonly<Record<string, number>>;
  /** Received and dropped, by the limit they broke: `frames`, `bytes`. */
  readonly refused: Readonly<Record<string, number>>;
}

/** Counts by reason. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(reason: string): void {
    this.#counts.set(reason, (this.#counts.get(reason) ?? 0) + 1);
  }

  toRecord(): Record<string, number> {
    return Object.fromEntries(this.#counts);
  }
}
