import { parseEndpoint } from "@zeroplane/link";
import type { Caller } from "../caller.ts";
import type { PendingCall } from "../pending-call.ts";
import { type Dialect, probe } from "./probe.ts";

/** What a {@link DialectCaller} needs of others. */
export interface DialectCallerOptions {
  /** Spoken without asking, unless `auto`. */
  readonly dialect: Dialect | "auto";
  /** Opens a way; `changed` whenever it may be up or down, `lost` when its peer may be another. */
  readonly open: (dialect: Dialect, told: { changed: () => void; lost: () => void }) => Caller;
  /** Called whenever `isUp` may have changed. */
  readonly changed: () => void;
}

/** How long a peer of ours may take to be up before it is asked again who it is. */
const UP_MS = 2_000;

/** Calls whoever is there in the dialect that it speaks, and asks nobody else in ours. */
export class DialectCaller implements Caller {
  readonly endpoint: string;
  readonly #options: DialectCallerOptions;
  readonly #closing = new AbortController();
  #inner: Caller | undefined;
  #whyDown: string | undefined;
  #wasUp: (() => void) | undefined;

  /** @throws LinkError ERR_LINK_ENDPOINT when `endpoint` is none */
  constructor(endpoint: string, options: DialectCallerOptions) {
    parseEndpoint(endpoint);
    this.endpoint = endpoint;
    this.#options = options;
    if (options.dialect === "auto") void this.#choose();
    else this.#open(options.dialect);
  }

  get peerName(): string {
    return this.#inner?.peerName ?? this.endpoint;
  }

  get isUp(): boolean {
    return this.#inner?.isUp === true;
  }

  get whyDown(): string | undefined {
    return this.#inner?.whyDown ?? this.#whyDown;
  }

  get open(): number {
    return this.#inner?.open ?? 0;
  }

  start(call: PendingCall, nowMs: number): void {
    const inner = this.#inner as Caller;
    inner.start(call, nowMs);
    // Whoever looks for others to ask must find this one.
    if (call.carrier === inner) call.carrier = this;
  }

  grant(call: PendingCall, bytes: number): void {
    this.#inner?.grant(call, bytes);
  }

  cancel(call: PendingCall): void {
    this.#inner?.cancel(call);
  }

  ended(call: PendingCall): void {
    this.#inner?.ended(call);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#inner?.close();
  }

  /** Asks who is there, until whoever answered is up. */
  async #choose(): Promise<void> {
    const { signal } = this.#closing;
    try {
      for (;;) {
        const dialect = await probe(this.endpoint, { signal });
        signal.throwIfAborted();
        this.#open(dialect);
        if (dialect === "zerorpc" || (await this.#upInTime())) return;
        await this.#leave();
      }
    } catch (error) {
      // Closing is the one reason to stop; anything else must not go unseen.
      if (!signal.aborted) this.#whyDown = String(error);
    }
  }

  #open(dialect: Dialect): void {
    const { open, changed } = this.#options;
    this.#inner = open(dialect, {
      changed: () => {
        if (this.isUp) this.#wasUp?.();
        changed();
      },
      lost: () => this.#lost(),
    });
    changed();
  }

  /** Another one may be there next. */
  #lost(): void {
    if (this.#options.dialect !== "auto" || this.#closing.signal.aborted) return;
    void this.#leave();
    void this.#choose();
  }

  async #leave(): Promise<void> {
    const left = this.#inner;
    this.#whyDown = left?.whyDown;
    this.#inner = undefined;
    await left?.close();
  }

  #upInTime(): Promise<boolean> {
    if (this.isUp) return Promise.resolve(true);
    return new Promise((resolve) => {
      const end = (isUp: boolean): void => {
        clearTimeout(timer);
        this.#wasUp = undefined;
        // Closed meanwhile: there is nothing left to find out.
        resolve(isUp || this.#closing.signal.aborted);
      };
      const timer = setTimeout(end, UP_MS, false).unref();
      this.#wasUp = () => end(true);
    });
  }
}
