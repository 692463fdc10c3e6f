/**
 * Messages of `state`, each `[kind, state, …]`:
 *
 *     viewer → owner   view      under                       keys that begin with it
 *                      seen      version                     applied up to it
 *                      put       id, [key, value] | [key], {if, ttlMs, ephemeral}
 *     owner → viewer   snapshot  version, [[key, value, version], …], headers, epoch
 *                      delta     version, [[key, value, version] | [key], …], headers
 *                      done      id, version, code?, text?
 *
 * A session delivers in order and once, or is reset; after a reset the viewer asks anew. So there
 * is no gap to look for (docs/adr/0003).
 */
export const Kind = { view: 1, seen: 2, snapshot: 3, delta: 4, put: 5, done: 6 } as const;
