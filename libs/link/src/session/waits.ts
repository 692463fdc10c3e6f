import { LinkError } from "../errors.ts";
import type { SessionState } from "./settings.ts";
import { Waiters } from "./waiters.ts";

/** What the one-word reasons of a refused hello mean. */
const REFUSALS: Readonly<Record<string, string>> = {
  key: "the key of this side is not trusted there",
  sessions: "it has all the sessions it takes",
};
const ROOM_TIMEOUT_MS = 30_000;

/** What can be waited for: the core of a session. */
interface Awaited {
  readonly state: SessionState;
  readonly outbox: { readonly hasRoom: boolean };
}

/** How long to wait. */
export interface WaitOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** Those who wait for the peer of one session, or for room. */
export class SessionWaits {
  readonly #core: Awaited;
  readonly #endpoint: string;
  readonly #waiters = new Waiters();
  #refusal: string | undefined;

  constructor(core: Awaited, endpoint: string) {
    this.#core = core;
    this.#endpoint = endpoint;
  }

  /** Why the peer does not want this side, when it said so. */
  get refusal(): string | undefined {
    return this.#refusal === undefined ? undefined : (REFUSALS[this.#refusal] ?? this.#refusal);
  }

  /** Something has changed. */
  wake(): void {
    if (this.#core.state === "up") this.#refusal = undefined;
    this.#waiters.wake();
  }

  /** The peer has said that it does not want this side. */
  refused(reason: string): void {
    this.#refusal = reason;
    this.#waiters.wake();
  }

  /** See `Session.ready`. */
  ready(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    const isUp = (): boolean => {
      if (this.#core.state === "up") return true;
      if (this.refusal === undefined) return false;
      throw new LinkError("ERR_LINK_REFUSED", `${this.#endpoint} refuses: ${this.refusal}`);
    };
    const hint = "is it running, and are the keys right?";
    const text = `nobody answers at ${this.#endpoint} after ${timeoutMs} ms; ${hint}`;
    return this.#until(isUp, text, { timeoutMs, ...(signal && { signal }) });
  }

  /** See `Session.room`. */
  room(options: WaitOptions): Promise<void> {
    const { timeoutMs = ROOM_TIMEOUT_MS } = options;
    const text = `${this.#endpoint} takes no more after ${timeoutMs} ms; is it stuck?`;
    return this.#until(() => this.#core.outbox.hasRoom, text, { ...options, timeoutMs });
  }

  async #until(holds: () => boolean, late: string, options: WaitOptions): Promise<void> {
    const deadline = performance.now() + (options.timeoutMs ?? 0);
    while (!holds()) {
      if (this.#core.state === "closed") {
        throw new LinkError("ERR_LINK_CLOSED", `the session with ${this.#endpoint} is closed`);
      }
      const leftMs = deadline - performance.now();
      if (leftMs <= 0) throw new LinkError("ERR_LINK_TIMEOUT", late);
      await this.#waiters.wait(leftMs, options.signal);
    }
  }
}
