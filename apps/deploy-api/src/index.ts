export type { ApiError, ApiErrorCode } from "./api-error.ts";
export type { Apps } from "./apps.ts";
export type { Blobs } from "./blobs.ts";
export type { Deploys, NewDeploy } from "./deploys.ts";
export type * from "./model.ts";
export type { Platform, PlatformStatus } from "./platform.ts";
export type { RouterInfo, Routers } from "./routers.ts";
export type { RunnerInfo, Runners } from "./runners.ts";
export type { DeployApi } from "./wiring.ts";
