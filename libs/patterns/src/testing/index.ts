export { simulateFeed } from "./simulate-feed.ts";
export { simulateState } from "./simulate-state.ts";
