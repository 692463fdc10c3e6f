import type { Headers, Peer } from "@zeroplane/link";
import type { CallContext } from "./call-context.ts";
import type { RpcError } from "./errors.ts";
import type { Method } from "./service.ts";
import { STREAM_WINDOW_BYTES } from "./wire.ts";

/** What a call is about. */
export interface CallFacts {
  readonly id: number;
  readonly service: string;
  readonly method: Method;
  readonly args: readonly unknown[];
  readonly headers: Headers;
  readonly peer: Peer;
  /** 0 for no limit. */
  readonly leftMs: number;
}

/** One call on the server: what its handler sees, and the credit of its stream. */
export class ServerCall implements CallContext {
  readonly id: number;
  readonly method: string;
  readonly target: Method;
  readonly args: readonly unknown[];
  readonly headers: Headers;
  readonly peer: Peer;
  readonly startedAtMs = performance.now();
  /** When the caller stops waiting, on the clock of `performance.now()`. */
  deadlineMs: number;
  #abort: AbortController | undefined;
  #ended: RpcError | undefined;
  #creditBytes = STREAM_WINDOW_BYTES;
  #wake: (() => void) | undefined;

  constructor(facts: CallFacts) {
    this.id = facts.id;
    this.target = facts.method;
    this.args = facts.args;
    this.method = `${facts.service}.${facts.method.name}`;
    this.headers = facts.headers;
    this.peer = facts.peer;
    const { leftMs } = facts;
    this.deadlineMs = leftMs === 0 ? Number.POSITIVE_INFINITY : this.startedAtMs + leftMs;
  }

  get leftMs(): number {
    return Math.max(0, this.deadlineMs - performance.now());
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#ended !== undefined) this.#abort.abort(this.#ended);
    }
    return this.#abort.signal;
  }

  /** True once nobody waits for the answer any more. */
  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Nobody waits for the answer any more: tells the handler why. */
  end(reason: RpcError): void {
    if (this.#ended !== undefined) return;
    this.#ended = reason;
    this.#abort?.abort(reason);
    this.#wake?.();
  }

  /** The caller takes more items. */
  credit(bytes: number): void {
    this.#creditBytes += bytes;
    if (this.#creditBytes > 0) this.#wake?.();
  }

  /** An item of that size was sent. */
  spend(bytes: number): void {
    this.#creditBytes -= bytes;
  }

  /** True when the next item may go at once. */
  get mayStream(): boolean {
    return this.#creditBytes > 0 || this.ended;
  }

  /** Resolves when the caller takes more, or nobody waits any more. */
  mayGoOn(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}
