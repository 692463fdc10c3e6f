/** A peer in a process of its own: options in argv, told by its parent to block its loop or to leave. */
import { openPeers, type PeersOptions } from "@zeroplane/patterns";

const options = JSON.parse(process.argv[2] ?? "{}") as PeersOptions;
// A load that rises lets others see each advert.
const peers = await openPeers({ ...options, load: () => performance.now() });
process.on("message", (order: { readonly blockMs?: number; readonly leave?: boolean }) => {
  const untilMs = performance.now() + (order.blockMs ?? 0);
  while (performance.now() < untilMs);
  if (order.leave === true) void peers.close().then(() => process.exit(0));
});
process.once("disconnect", () => process.exit(0));
process.send?.(peers.endpoint);
