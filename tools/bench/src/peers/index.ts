import { grpcJs } from "./grpc-js.ts";
import { moleculer } from "./moleculer.ts";
import { nats } from "./nats.ts";
import type { Peer } from "./peer.ts";
import { rawZeromq } from "./raw-zeromq.ts";
import { rawZeromqMsgpack } from "./raw-zeromq-msgpack.ts";
import { undici } from "./undici.ts";
import { zeroplane } from "./zeroplane.ts";
import { zerorpc } from "./zerorpc.ts";

/** Every peer, ours first. */
export const peers: readonly Peer[] = [
  zeroplane,
  rawZeromq,
  rawZeromqMsgpack,
  grpcJs,
  undici,
  moleculer,
  nats,
  zerorpc,
];
