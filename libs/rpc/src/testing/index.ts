export { simulateCalls } from "./simulate-calls.ts";
