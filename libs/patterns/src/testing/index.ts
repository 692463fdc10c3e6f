export { simulateFeed } from "./simulate-feed.ts";
