export { simulateFeed } from "./simulate-feed.ts";
export { simulatePeers } from "./simulate-peers.ts";
export { simulatePipe } from "./simulate-pipe.ts";
export { simulateState } from "./simulate-state.ts";
export { simulateWork } from "./simulate-work.ts";
