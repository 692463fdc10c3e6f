/**
 * Messages of `state`, each `[kind, state, …]`; a value is bytes, encoded once for all viewers:
 *
 *     viewer → owner   view      under                       keys that begin with it
 *                      seen      epoch, version              applied up to it
 *                      put       id, [key, bytes] | [key], {if, epoch, ttlMs, ephemeral}, headers
 *     owner → viewer   snapshot  epoch, version, [[key, bytes, version] | [key], …], isLast, number
 *                      delta     version, [[key, bytes] | [key], …], headers
 *                      done      id, version, code?, text?
 *
 * A snapshot comes in pieces, between which the state may change: the last piece says what did,
 * and the whole is the state at the version of the last piece. Pieces of another number are of one
 * that was given up, because the viewer asked again. A key alone was removed. A session
 * delivers in order and once, or is reset; after a reset the viewer asks anew. So there is no gap
 * to look for (docs/adr/0003). `epoch` is random for each life of the owner: versions of two lives
 * are not compared.
 */
export const Kind = { view: 1, seen: 2, snapshot: 3, delta: 4, put: 5, done: 6 } as const;

/** Keys and bytes of one piece of a snapshot. */
export const PIECE_KEYS_MAX = 2_000;
export const PIECE_BYTES_MAX = 256 * 1024;
/** A group of changes with more bytes reaches viewers as a snapshot. */
export const DELTA_BYTES_MAX = 8 * 1024 * 1024;

export const KEY_CHARACTERS_MAX = 1_024;
export const VALUE_BYTES_MAX = 4 * 1024 * 1024;

/** A key with its value in bytes, and the version at which it was set unless that is the group's. */
export type WireChange = readonly [key: string, bytes?: Uint8Array, version?: number];
