export { RemoteError } from "@zeroplane/link";
export type { CallContext } from "./call-context.ts";
export { currentCall } from "./call-context.ts";
export { type ConnectOptions, callMethod, connect } from "./client.ts";
export type { CallOptions, Client, Connected, StreamCall } from "./client-type.ts";
export { RpcError, type RpcErrorCode } from "./errors.ts";
export type { Answer } from "./pending-call.ts";
export { type ExposeOptions, expose, type ServeOptions, type Server, serve } from "./server.ts";
