import { AsyncLocalStorage } from "node:async_hooks";
import type { Headers, Observed, Peer } from "@zeroplane/link";

/** The call that the running code belongs to, as its handler may see it. */
export interface CallContext {
  /** `service.method`. */
  readonly method: string;
  /** Who calls: the name of the process, and the key it has proved. */
  readonly peer: Peer;
  /** What the caller's interceptors sent along. */
  readonly headers: Headers;
  /** Aborted when the caller cancels, vanishes or runs out of time. */
  readonly signal: AbortSignal;
  /** Time left, milliseconds; `Infinity` when the caller set no limit. */
  readonly leftMs: number;
  /** What the server's observer made of it, when there is one. */
  readonly observed?: Observed | undefined;
}

const storage = new AsyncLocalStorage<CallContext>();

/**
 * The call being handled, from anywhere below its handler; `undefined` outside of one. A call that
 * the handler makes inherits its deadline and its cancellation without being told.
 */
export const currentCall = (): CallContext | undefined => storage.getStore();

/** Runs `handler` as part of `context`. */
export const runInCall = <C extends CallContext, T>(context: C, handler: (of: C) => T, of: C): T =>
  storage.run(context, handler, of);
