export { simulateFeed } from "./simulate-feed.ts";
export { simulatePipe } from "./simulate-pipe.ts";
export { simulateState } from "./simulate-state.ts";
