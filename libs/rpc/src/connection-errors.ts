import { codeOf, parseWireError, RemoteError, type Session } from "@zeroplane/link";
import { RpcError, type RpcErrorCode } from "./errors.ts";
import type { PendingCall } from "./pending-call.ts";
import { UNNAMED } from "./wire.ts";

const OWN_CODES: ReadonlySet<string> = new Set<RpcErrorCode>([
  "ERR_NO_METHOD",
  "ERR_OVERLOADED",
  "ERR_INVALID_ARGUMENTS",
  "ERR_INVALID_RESULT",
  "ERR_UNAVAILABLE",
  "ERR_FORBIDDEN",
  "ERR_LOST_REMOTE",
  "ERR_PROTOCOL",
]);

/** True when the server does not know the names that it was given. */
export const isUnnamed = ({ data }: RpcError): boolean =>
  typeof data === "object" && data !== null && UNNAMED in data;

/** The error that the answer to a call describes. */
export function remoteError(value: unknown, { site, method }: PendingCall): Error {
  const error = parseWireError(value);
  const ours =
    error.name === "RpcError" && error.hops.length <= 1 && OWN_CODES.has(error.code ?? "");
  // The other side's library refused, not its method: that is our kind of error.
  if (ours) {
    const { data } = error;
    return new RpcError(error.code as RpcErrorCode, `${method}: ${error.message}`, { data });
  }
  return new RemoteError(error, site?.stack);
}

/** Why a call could not be sent, as an error of calls. */
export function refused({ method }: PendingCall, error: unknown): unknown {
  const code = codeOf(error);
  const why = error instanceof Error ? error.message : String(error);
  const refuse = (own: RpcErrorCode): RpcError =>
    new RpcError(own, `${method}: ${why}`, { cause: error });
  if (code === "ERR_LINK_ENCODE") return refuse("ERR_INVALID_ARGUMENTS");
  if (code === "ERR_LINK_OVERLOADED") return refuse("ERR_OVERLOADED");
  if (code === "ERR_LINK_CLOSED") return refuse("ERR_CLOSED");
  return error;
}

/** The error of a call that had no answer in time. */
export function late(
  { method, timeoutMs, sent }: PendingCall,
  { endpoint, state }: Session,
): RpcError {
  const waited = `${Math.round(timeoutMs)} ms`;
  if (!sent && state !== "up" && state !== "stalled") {
    const hint = "is it running, and are the keys right?";
    const text = `${method}: nobody answers at ${endpoint} after ${waited}; ${hint}`;
    return new RpcError("ERR_UNAVAILABLE", text);
  }
  const text = `${method}: no answer from ${endpoint} after ${waited} (${state}); it may have happened`;
  return new RpcError("ERR_DEADLINE", text);
}
