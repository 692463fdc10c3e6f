export { type RpcHttpOptions, rpcHttp } from "./plugin.ts";
export { type Problem, problemOf } from "./problem.ts";
