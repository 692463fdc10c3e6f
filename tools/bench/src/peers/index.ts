import type { Peer } from "./peer.ts";
import { rawZeromq } from "./raw-zeromq.ts";
import { zeroplane } from "./zeroplane.ts";

/** Every peer, ours first. */
export const peers: readonly Peer[] = [zeroplane, rawZeromq];
