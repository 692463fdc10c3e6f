export { BACKOFF, type Backoff } from "./backoff.ts";
export type { To } from "./channel.ts";
export { PatternError, type PatternErrorCode } from "./errors.ts";
export { Feed, type FeedOptions, type FeedStats } from "./feed/feed.ts";
export { collectFeed, follow } from "./feed/follow.ts";
export type {
  FeedEvent,
  FeedGap,
  FeedItem,
  FeedReset,
  FollowFeedOptions,
  FollowOptions,
} from "./feed/follow-options.ts";
export { type FollowedStats, Follower } from "./feed/follower.ts";
export type { Gap } from "./feed/follower-core.ts";
export type { MaxLag, SlowPolicy } from "./feed/inbox.ts";
export type { Origin } from "./feed/message.ts";
export {
  type OpenFeedOptions,
  openFeed,
  type PublishOptions,
  publishTo,
} from "./feed/open-feed.ts";
export type { StoreOptions } from "./feed/open-store.ts";
export type { From, Reset } from "./feed/publishers.ts";
export type { ReadyOptions } from "./feed/ready.ts";
export { FeedRelay, type RelayFeedsOptions, relayFeeds } from "./feed/relay-feeds.ts";
export type { LogLimits, LogStats } from "./feed/segment-log.ts";
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
export { PipeRelay, type RelayPipeOptions, relayPipe } from "./pipe/relay-pipe.ts";
export type { PipeClass } from "./pipe/ring.ts";
export type { SenderStats } from "./pipe/senders.ts";
export type { SetOptions, Stamp, Versioned } from "./state/owner-core.ts";
export type { RemoteSetOptions } from "./state/remote-sets.ts";
export {
  openState,
  type Setter,
  State,
  type StateOptions,
  type StateStats,
} from "./state/state.ts";
export { View, type ViewOptions, viewState } from "./state/view.ts";
export type { ViewChange } from "./state/view-core.ts";
export type { Viewer } from "./state/viewers.ts";
export type { JobContext } from "./work/attempt.ts";
export type { WorkerState, WorkerView } from "./work/crew.ts";
export type { QueueCounters } from "./work/effects.ts";
export type { AddOptions, JobHead, JobRecord, JobState } from "./work/job.ts";
export type {
  Awaitable,
  JobQueue,
  QueueAddOptions,
  QueueStats,
  WaitOptions,
} from "./work/job-queue.ts";
export { openQueue, Queue } from "./work/queue.ts";
export type { QueueOptions } from "./work/queue-options.ts";
export { connectQueue, RemoteQueue, type RemoteQueueOptions } from "./work/remote-queue.ts";
export type { ScheduleOptions } from "./work/schedules.ts";
export type { QueueSettings } from "./work/settings.ts";
export type { JobCounts, StoreHealth } from "./work/store.ts";
export { hasEnded, type JobView } from "./work/view.ts";
export {
  type JobHandler,
  startWorker,
  Worker,
  type WorkerOptions,
} from "./work/worker.ts";
