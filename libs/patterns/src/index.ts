export { BACKOFF, type Backoff } from "./backoff.ts";
export type { To } from "./channel.ts";
export { PatternError, type PatternErrorCode } from "./errors.ts";
export {
  Feed,
  type FeedOptions,
  type FeedStats,
  type OpenFeedOptions,
  openFeed,
  type PublishOptions,
  publishTo,
} from "./feed/feed.ts";
export {
  collectFeed,
  type FeedItem,
  Follower,
  type FollowFeedOptions,
  type FollowOptions,
  follow,
} from "./feed/follower.ts";
export type { Gap } from "./feed/follower-core.ts";
export type { Origin } from "./feed/message.ts";
export type { StoreOptions } from "./feed/open-store.ts";
export type { LogLimits, LogStats } from "./feed/segment-log.ts";
export { matches } from "./feed/topics.ts";
export type { LaneKeys, LaneOptions } from "./lane.ts";
export { type CollectOptions, Collector, collectPipe } from "./pipe/collector.ts";
export type { SenderStats } from "./pipe/collector-core.ts";
export {
  openPipe,
  Pipe,
  type PipeHead,
  type PipeOptions,
  type PipeStats,
} from "./pipe/pipe.ts";
export type { PipeClass } from "./pipe/pipe-core.ts";
export type { Changes } from "./state/changes.ts";
export type { SetOptions, Versioned } from "./state/owner-core.ts";
export type { RemoteSetOptions } from "./state/remote-sets.ts";
export { openState, type Setter, State, type StateOptions, type Viewer } from "./state/state.ts";
export { View, type ViewOptions, viewState } from "./state/view.ts";
export type { ViewChange } from "./state/view-core.ts";
export type { AddOptions, JobState } from "./work/job.ts";
export { hasEnded, type JobView, openQueue, Queue, type QueueOptions } from "./work/queue.ts";
export {
  type JobContext,
  type JobHandler,
  startWorker,
  Worker,
  type WorkerOptions,
} from "./work/worker.ts";
