export {
  type BlobSource,
  type BlobTarget,
  digestOf,
  downloadFile,
  uploadFile,
} from "./blob-transfer.ts";
export { BaseConfig, ConfigError, readConfig } from "./config.ts";
export { type Identity, readIdentity } from "./identity.ts";
export { Life } from "./life.ts";
export { LINE_MAX, LOGS_FEED, type LogLine, topicWord } from "./log-line.ts";
export type { Logger } from "./logger.ts";
export type { ProcessInfo, ProcessStats } from "./process-info.ts";
export { type Main, run } from "./run.ts";
