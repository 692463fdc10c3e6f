import { tracingChannel } from "node:diagnostics_channel";
import { compose, type Interceptor, type Operation } from "@zeroplane/link";

/** What subscribers of the channels get: one object for each call, the same at each event. */
interface CallMessage {
  readonly operation: Operation;
  result?: unknown;
  error?: unknown;
}

/**
 * Tracing channels of `node:diagnostics_channel` around every call of this process, for tools that
 * are not told of each client and server: `zeroplane.rpc.client` and `zeroplane.rpc.server`. A
 * message has the `operation`, and `error` when it failed.
 */
export const channels = {
  client: tracingChannel<string, CallMessage>("zeroplane.rpc.client"),
  server: tracingChannel<string, CallMessage>("zeroplane.rpc.server"),
};

const published: Record<"client" | "server", Interceptor> = {
  client: (operation, next) => channels.client.tracePromise(next, { operation }),
  server: (operation, next) => channels.server.tracePromise(next, { operation }),
};

/** `interceptor`, inside the channel when anybody listens to that. */
export function observed(
  side: "client" | "server",
  interceptor: Interceptor | undefined,
): Interceptor | undefined {
  if (!channels[side].hasSubscribers) return interceptor;
  return interceptor === undefined ? published[side] : compose([published[side], interceptor]);
}
