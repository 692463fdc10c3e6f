export { BACKOFF, type Backoff } from "./backoff.ts";
export type { To } from "./channel.ts";
export { PatternError, type PatternErrorCode } from "./errors.ts";
export {
  Feed,
  type FeedOptions,
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
export type { From, Reset } from "./feed/publishers.ts";
export { matches } from "./feed/topics.ts";
export type { LaneKeys, LaneOptions } from "./lane.ts";
export type {
  BeaconOptions,
  DnsSource,
  PeerKeys,
  PeerSource,
  PeersOptions,
  SeedSource,
} from "./peers/options.ts";
export type { Offering, Peer, PeerEvent, PeerState } from "./peers/peer.ts";
export { openPeers, Peers, type PeersStats } from "./peers/peers.ts";
export type { PeersSettings } from "./peers/settings.ts";
export { type CollectOptions, Collector, collectPipe } from "./pipe/collector.ts";
export { openPipe, Pipe, type PipeOptions, type PipeStats } from "./pipe/pipe.ts";
export type { PipeHead } from "./pipe/record.ts";
export type { PipeClass } from "./pipe/ring.ts";
export type { SenderStats } from "./pipe/senders.ts";
export { openState, State, type StateOptions, type Versioned, type Viewer } from "./state/state.ts";
export { View, type ViewOptions, viewState } from "./state/view.ts";
export type { QueueCounters } from "./work/core.ts";
export type { WorkerState, WorkerView } from "./work/crew.ts";
export type { AddOptions, JobHead, JobRecord, JobState } from "./work/job.ts";
export type {
  Awaitable,
  JobQueue,
  QueueAddOptions,
  QueueStats,
  WaitOptions,
} from "./work/job-queue.ts";
export { openQueue, Queue, type QueueOptions } from "./work/queue.ts";
export { connectQueue, RemoteQueue, type RemoteQueueOptions } from "./work/remote-queue.ts";
export type { ScheduleOptions } from "./work/schedules.ts";
export type { QueueSettings } from "./work/settings.ts";
export type { JobCounts, StoreHealth } from "./work/store.ts";
export { hasEnded, type JobView } from "./work/view.ts";
export {
  type JobContext,
  type JobHandler,
  startWorker,
  Worker,
  type WorkerOptions,
} from "./work/worker.ts";
