export type { OnRequest, Outcome, Proxy, ProxyOptions, RequestInfo } from "./proxy.ts";
export type { RouteStats } from "./route-stats.ts";
export type { RouterError, RouterErrorCode } from "./router-error.ts";
export type { RouteTable } from "./table.ts";
