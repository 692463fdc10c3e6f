import { tracingChannel } from "node:diagnostics_channel";
import { callSizes } from "@zeroplane/rpc";

/** One call that this process has answered. */
export interface AnsweredCall {
  /** `service.method`. */
  readonly method: string;
  readonly peer: string;
  /** Until it was answered, or its last item was sent. */
  readonly ms: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Code and message, when it failed. */
  readonly error?: string;
}

interface Message {
  readonly operation: { readonly name: string; readonly peer?: string };
  readonly error?: unknown;
}

const channel = tracingChannel<string, Message>("zeroplane.rpc.server");

/** Calls `answered` with each call of this process from now on. @returns a function that ends it */
export function onAnswered(answered: (call: AnsweredCall) => void): () => void {
  const startedAtMs = new WeakMap<object, number>();
  const heard = {
    start: (message: Message) => void startedAtMs.set(message, performance.now()),
    end: () => undefined,
    asyncStart: () => undefined,
    asyncEnd: (message: Message) => {
      const from = startedAtMs.get(message);
      if (from === undefined) return;
      const { operation, error } = message;
      const { bytesIn = 0, bytesOut = 0 } = callSizes(operation) ?? {};
      const { name: method, peer = "" } = operation;
      const call = { method, peer, ms: performance.now() - from, bytesIn, bytesOut };
      answered(error === undefined ? call : { ...call, error: textOf(error) });
    },
    error: () => undefined,
  };
  channel.subscribe(heard);
  return () => channel.unsubscribe(heard);
}

function textOf(error: unknown): string {
  const { code, message } = error as { readonly code?: string; readonly message?: string };
  return [code, message ?? String(error)].filter(Boolean).join(": ");
}
