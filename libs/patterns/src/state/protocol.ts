/**
 * Messages of `state`, each `[kind, state, …]`:
 *
 *     viewer → owner   view      under                       keys that begin with it
 *                      seen      version                     applied up to it
 *     owner → viewer   snapshot  version, [[key, value, version], …]
 *                      delta     version, [[key, value, version] | [key], …]
 *
 * A session delivers in order and once, or is reset; after a reset the viewer asks anew. So there
 * is no gap to look for (docs/adr/0003).
 */
export const Kind = { view: 1, seen: 2, snapshot: 3, delta: 4 } as const;
