export { simulateFeed } from "./simulate-feed.ts";
export { simulateWork } from "./simulate-work.ts";
