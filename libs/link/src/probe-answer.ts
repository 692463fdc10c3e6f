import { randomBytes } from "node:crypto";
import { decode, encode } from "./codec.ts";
import type { ForeignHandler } from "./session/switchboard.ts";

/**
 * Answers those who ask in zerorpc what is spoken here (docs/protocol.md), and nothing else: for a
 * listener without an rpc service of its own.
 */
export function answerProbes(send: (frames: readonly Uint8Array[]) => void): ForeignHandler {
  return {
    receive: (route, frames) => {
      const id = probeId(frames.at(-1));
      if (id === undefined) return false;
      const header = { message_id: randomBytes(16), v: 3, zp: 1, response_to: id };
      send([route, ...frames.slice(0, -1), encode([header, "OK", [["pong", ""]]])]);
      return true;
    },
    lost: () => undefined,
  };
}

interface ProbeHeader {
  readonly message_id?: unknown;
  readonly zp?: unknown;
}

/** The id of the question, when it is one. */
function probeId(payload: Buffer | undefined): Uint8Array | undefined {
  try {
    const [header, name] = decode(payload ?? Buffer.alloc(0)) as [ProbeHeader | null, unknown];
    const { message_id: id, zp } = header ?? {};
    const isProbe = name === "_zerorpc_ping" && zp === 1 && id instanceof Uint8Array;
    return isProbe ? id : undefined;
  } catch {
    return undefined;
  }
}
