/**
 * Attribute names, from the OpenTelemetry semantic conventions 1.45 where they have one. The
 * messaging ones are still in development there, so this is the one place that spells them.
 */
export {
  ATTR_ERROR_TYPE,
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
  ATTR_SERVICE_NAME,
} from "@opentelemetry/semantic-conventions";

export const ATTR_SERVICE_INSTANCE_ID = "service.instance.id";
export const ATTR_PROCESS_PID = "process.pid";
export const ATTR_RPC_SYSTEM = "rpc.system.name";
export const ATTR_RPC_METHOD = "rpc.method";
export const ATTR_MESSAGING_SYSTEM = "messaging.system.name";
export const ATTR_MESSAGING_DESTINATION = "messaging.destination.name";
export const ATTR_MESSAGING_OPERATION = "messaging.operation.name";
export const ATTR_PEER = "network.peer.address";
/** Where an error began, when it came from another process. */
export const ATTR_ERROR_ORIGIN = "zp.error.origin";

/** How long the caller was blocked on a call, up to its end, nanoseconds. */
export const ATTR_AWAIT = "zp.await_ns";
/** Nobody had waited for the result of a call when it was reported. */
export const ATTR_UNAWAITED = "zp.unawaited";
/** From when a call was taken from its socket, or a job was due, to the start of its handler, nanoseconds. */
export const ATTR_QUEUE = "zp.queue_ns";
/** For how long the event loop had been late when it took the message, nanoseconds. */
export const ATTR_LAG = "zp.lag_ns";
/** Messages of a feed between this one and the one before that its follower did not get; at most, when it follows some topics only. */
export const ATTR_MISSED = "zp.missed";
