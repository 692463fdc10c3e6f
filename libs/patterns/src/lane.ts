import {
  type Gate,
  type KeyPair,
  openGate,
  parseEndpoint,
  requireKeys,
  type SafeSocket,
  type Trust,
} from "@zeroplane/link";

/** Keys of a socket that binds. */
export interface LaneKeys {
  readonly key: KeyPair;
  readonly trust: Trust;
}

/** How the data socket of a pattern is bound. */
export interface LaneOptions {
  /** Where the others connect (default `tcp://127.0.0.1:*`, any free port). */
  readonly bind?: string;
  /** Encrypts, and lets in only trusted keys. */
  readonly keys?: LaneKeys | undefined;
  /** Allows a non-loopback endpoint without keys (default false). */
  readonly insecure?: boolean;
}

/** A bound data socket. `end` closes what guards it. */
export interface Lane {
  readonly socket: SafeSocket;
  readonly port: number;
  readonly end: () => void;
}

/**
 * Binds the socket that `make` makes, with a gate before it when there are keys.
 * @throws LinkError when it cannot be bound, or would be open to others without keys
 */
export async function bindLane(
  make: (security: Gate["security"] | undefined) => SafeSocket,
  options: LaneOptions,
): Promise<Lane> {
  const { bind = "tcp://127.0.0.1:*", keys, insecure = false } = options;
  requireKeys(bind, keys !== undefined, insecure);
  const gate = keys === undefined ? undefined : await openGate(keys.key, keys.trust);
  const socket = make(gate?.security);
  try {
    const bound = await socket.bind(bind);
    await gate?.selfTest(bound);
    const port = parseEndpoint(bound)?.port ?? 0;
    return { socket, port, end: () => gate?.[Symbol.dispose]() };
  } catch (error) {
    socket.close();
    gate?.[Symbol.dispose]();
    throw error;
  }
}
