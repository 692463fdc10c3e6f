import type { CallCarrier, PendingCall } from "./pending-call.ts";

/** Somebody to call: one peer, in the dialect that it speaks. */
export interface Caller extends CallCarrier {
  /** Where it is. */
  readonly endpoint: string;
  /** Name it gave itself, or its endpoint. */
  readonly peerName: string;
  /** True while a call would reach it now, as far as is known. */
  readonly isUp: boolean;
  /** Why it is not up, when it said so. */
  readonly whyDown: string | undefined;
  /** Calls that wait for an answer. */
  readonly open: number;
  /** Sends a call. It never throws: what is wrong is told by the call itself. */
  start(call: PendingCall, nowMs: number): void;
  /** Fails the calls that are open and ends the way to it. Safe to call again. */
  close(): Promise<void>;
}
