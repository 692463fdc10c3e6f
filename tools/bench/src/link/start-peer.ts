import { PeerProcess } from "../peer-process.ts";
import type { PeerConfig } from "./peer.ts";

const SCRIPT = new URL("./peer.ts", import.meta.url);

/** Starts one side of the contestant `name` in a process of its own. */
export function startPeer(
  name: string,
  side: "listen" | "dial",
  config: PeerConfig,
): Promise<PeerProcess> {
  const args = [name, side, JSON.stringify(config)];
  return PeerProcess.fork(SCRIPT, args, { execArgv: ["--expose-gc"] });
}
