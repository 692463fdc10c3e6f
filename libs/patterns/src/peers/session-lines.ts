import {
  codeOf,
  type DialOptions,
  decode,
  dial,
  encode,
  hasDraft,
  type Session,
  type SessionState,
  type VerbHandler,
} from "@zeroplane/link";
import { VERB_PEERS } from "../verbs.ts";
import { type Address, fromWire, type PeerMessage, toWire } from "./message.ts";
import type { PeersCore } from "./peers-core.ts";

/**
 * What is silent on a line is told by its I/O threads, and by the beats of peers; those of the
 * session itself only end what is left over, after a minute.
 */
const SESSION_BEAT_MS = 6_000;
/** An advert and a few hints a beat: more does not wait for one that takes nothing. */
const QUEUE_BYTES_MAX = 1024 * 1024;

/** Settings of sessions between peers that detect the loss of a line by `lineBeatMs`. */
export const sessionSettings = (beatMs: number): { readonly beatMs: number } => ({
  beatMs: hasDraft ? SESSION_BEAT_MS : beatMs,
});

interface SessionLine {
  readonly session: Session;
  readonly detach: () => void;
  readonly isDialled: boolean;
}

/** The sessions that are the lines of a {@link PeersCore}. */
export class SessionLines {
  readonly #core: () => PeersCore;
  readonly #options: (to: Address) => DialOptions;
  readonly #lines = new Map<number, SessionLine>();
  readonly #ending = new Set<Promise<void>>();

  constructor(core: () => PeersCore, options: (to: Address) => DialOptions) {
    this.#core = core;
    this.#options = options;
  }

  /** Opens a session to somebody, for as long as the line is wanted. */
  dial(line: number, to: Address): void {
    try {
      const options = { queueBytesMax: QUEUE_BYTES_MAX, ...this.#options(to) };
      const session = dial(to.at, options);
      const handler = this.#handler(line, session);
      const detach = session.attach(VERB_PEERS, handler);
      this.#lines.set(line, { session, detach, isDialled: true });
    } catch {
      // Too many sockets are open, say: the next beat tries again.
      this.#core().refuse("dial");
      queueMicrotask(() => this.#core().lineClosed(line, performance.now()));
    }
  }

  /** Ends the session of a line, after what is on its way. */
  hangUp(line: number): void {
    const session = this.#lines.get(line)?.session;
    this.#lines.delete(line);
    if (session === undefined) return;
    const ending = session.close().finally(() => this.#ending.delete(ending));
    this.#ending.add(ending);
  }

  /** Somebody has dialled this side and spoken. */
  accept(session: Session): VerbHandler {
    const line = this.#core().accepted(session.peer.key);
    if (line === undefined) return { receive: () => undefined };
    const handler = this.#handler(line, session);
    const detach = session.attach(VERB_PEERS, handler);
    this.#lines.set(line, { session, detach, isDialled: false });
    this.#core().lineUp(line, performance.now());
    return handler;
  }

  send(line: number, message: PeerMessage): void {
    const session = this.#lines.get(line)?.session;
    try {
      if (session !== undefined && session.state !== "closed")
        session.send(VERB_PEERS, encode(toWire(message)));
    } catch (error) {
      if (codeOf(error)?.startsWith("ERR_LINK_") !== true) throw error;
      this.#core().refuse("unsent");
    }
  }

  /** Ends every session that was dialled; the others may be used by other verbs, and are left. */
  async close(): Promise<void> {
    for (const [line, { session, detach, isDialled }] of this.#lines) {
      session.flush();
      if (isDialled) this.hangUp(line);
      // Whoever opens peers on the same listener later hears what comes on it.
      else detach();
    }
    await Promise.all(this.#ending);
  }

  #handler(line: number, session: Session): VerbHandler {
    return {
      receive: (record) => this.#core().receive(line, read(record), performance.now()),
      state: (state) => this.#changed(line, state),
      reset: () => {
        // Somebody else may be there now.
        this.#core().lineDown(line, performance.now());
        this.#changed(line, session.state);
      },
    };
  }

  #changed(line: number, state: SessionState): void {
    const nowMs = performance.now();
    if (state === "up" || state === "stalled") this.#core().lineUp(line, nowMs);
    else if (state !== "closed") this.#core().lineDown(line, nowMs);
    else {
      this.#lines.delete(line);
      this.#core().lineClosed(line, nowMs);
    }
  }
}

function read(record: Buffer): PeerMessage | undefined {
  try {
    return fromWire(decode(record));
  } catch {
    return undefined;
  }
}
