import * as zmq from "zeromq";
import { codeOf, LinkError } from "./errors.ts";

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

/**
 * What is used of the native classes; each kind offers the half it can do. What is not here cannot
 * be reached: `readable` and `writable` (trap 2), `events` (trap 8), `bind` (traps 3 and 9),
 * `unbind` and `unbindSync` (traps 30 and 16), the timeouts and the routing id (traps 5 and 23).
 */
export interface RawSocket {
  readonly closed: boolean;
  readonly lastEndpoint: string | null;
  bindSync(endpoint: string): void;
  connect(endpoint: string): void;
  disconnect(endpoint: string): void;
  close(): void;
  send(message: readonly Uint8Array[]): Promise<void>;
  receive(): Promise<Buffer[]>;
  subscribe(...prefixes: string[]): void;
  setStringOption(option: number, value: Buffer): void;
}

/** Sockets of one process; libzmq's own limit is 1023 and can only be raised before the first. */
const SOCKETS_MAX = 16_384;
zmq.context.maxSockets = SOCKETS_MAX;

/** True when the shipped libzmq reports the end of a connection in band. */
export const hasDraft = zmq.capability.draft === true && process.env["ZP_NO_DRAFT"] !== "1";

/**
 * The native socket of a kind.
 * @throws LinkError ERR_LINK_OVERLOADED beyond the sockets or open files of the process (trap 25)
 */
export function openRaw(kind: SocketKind, options: Record<string, unknown>): RawSocket {
  try {
    return new KINDS[kind](options) as unknown as RawSocket;
  } catch (cause) {
    if (codeOf(cause) !== "EMFILE") throw cause;
    const hint = "close some, or raise the limit of open files (ulimit -n)";
    throw new LinkError("ERR_LINK_OVERLOADED", `too many sockets; ${hint}`, { cause });
  }
}
