export { callMethod, connect } from "./client.ts";
export { type Dialect, probe } from "./zerorpc/probe.ts";
