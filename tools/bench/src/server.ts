/** One peer's rpc server in a process of its own: says where it listens. */
import { answerParent } from "./peer-process.ts";
import { peers } from "./peers/index.ts";
import { tracedPeers, unwatchedPeer } from "./peers/traced.ts";

const peer = [...peers, ...tracedPeers, unwatchedPeer].find(({ name }) => name === process.argv[2]);
if (peer === undefined) throw new Error(`no peer ${String(process.argv[2])}`);
answerParent(await peer.serve(), () => undefined);
