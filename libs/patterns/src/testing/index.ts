export { simulateWork } from "./simulate-work.ts";
