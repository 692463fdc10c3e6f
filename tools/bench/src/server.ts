/** One peer's server in a process of its own: says where it listens, and ends with its parent. */
import { peers } from "./peers/index.ts";

const peer = peers.find(({ name }) => name === process.argv[2]);
if (peer === undefined) throw new Error(`no peer ${String(process.argv[2])}`);
process.send?.(await peer.serve());
process.once("disconnect", () => process.exit(0));
