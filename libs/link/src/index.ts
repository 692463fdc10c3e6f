export { Codec, decode, decodeOwned, encode, encodeShared } from "./codec.ts";
export { isLocal, parseEndpoint, type TcpEndpoint, toDial } from "./endpoint.ts";
export { dnsEndpoints, type EndpointSource } from "./endpoint-source.ts";
export { codeOf, LinkError, type LinkErrorCode } from "./errors.ts";
export {
  type Beginning,
  compose,
  type Headers,
  type Interceptor,
  intercept,
  type Observed,
  type Observer,
  type Operation,
} from "./interceptor.ts";
export { KeyPair, Keyring, pairSecret } from "./keys.ts";
export type { CodecLimits } from "./prescan.ts";
export { quickBytes, writeQuick } from "./quick.ts";
export { hasDraft, type SocketKind } from "./raw-socket.ts";
export { type Relay, type RelayOptions, type RelayStats, relay } from "./relay.ts";
export {
  framesOf,
  type Hop,
  type HopSite,
  parseWireError,
  RemoteError,
  toWireError,
  type WireError,
} from "./remote-error.ts";
export { SafeSocket, sockets } from "./safe-socket.ts";
export { type DialKeys, type DialOptions, dial, nodeName } from "./session/dial.ts";
export type { Via } from "./session/hello.ts";
export {
  Listener,
  type ListenerStats,
  type ListenKeys,
  type ListenOptions,
  listen,
} from "./session/listener.ts";
export { type Peer, Session, type VerbAcceptor, type VerbHandler } from "./session/session.ts";
export type { SessionSettings, SessionState, SessionStats } from "./session/settings.ts";
export type { ForeignHandler } from "./session/switchboard.ts";
export type { SocketOptions, SocketSecurity } from "./socket-options.ts";
export type { SocketStats } from "./socket-stats.ts";
export { type Tap, type TapOptions, type TappedRecord, tap } from "./tap.ts";
export { TRACEPARENT_BYTES, TraceId, Traceparent } from "./traceparent.ts";
export { type Gate, openGate, requireKeys, type Trust, trustKeyring } from "./zap.ts";
