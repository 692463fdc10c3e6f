/**
 * Messages of `state`, each `[kind, state, …]`; a value is bytes, encoded once for all viewers:
 *
 *     viewer → owner   view      under                       keys that begin with it
 *                      seen      epoch, version              applied up to it
 *     owner → viewer   snapshot  epoch, version, [[key, bytes], …], isLast      in pieces
 *                      delta     version, [[key, bytes] | [key], …], headers
 *
 * A session delivers in order and once, or is reset; after a reset the viewer asks anew. So there
 * is no gap to look for (docs/adr/0003). `epoch` is random for each life of the owner: versions of
 * two lives are not compared.
 */
export const Kind = { view: 1, seen: 2, snapshot: 3, delta: 4 } as const;

/** Keys and bytes of one piece of a snapshot. */
export const PIECE_KEYS_MAX = 2_000;
export const PIECE_BYTES_MAX = 256 * 1024;
