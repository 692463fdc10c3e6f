import { randomInt } from "node:crypto";
import { nodeName } from "@zeroplane/link";
import { type FeedStore, History } from "./history.ts";
import { FolderFiles } from "./log-files.ts";
import type { Origin } from "./message.ts";
import { PublisherCore } from "./publisher-core.ts";
import { type LogLimits, type LogStats, SegmentLog } from "./segment-log.ts";

/** Where the history of a feed is kept. */
export interface StoreOptions {
  /** Name of this process, which followers see (default host and pid; a log keeps its first). */
  readonly node?: string;
  /** Bytes of history in memory for those who missed something (default 8 MiB). */
  readonly historyBytes?: number;
  /**
   * Keeps the history in files of this folder instead, which only this feed may use: a publisher
   * that starts again goes on with the same numbers. Files are read and written in the turn.
   */
  readonly folder?: string;
  /** Limits of what is kept in `folder`. */
  readonly log?: LogLimits;
}

/** A publisher and what it keeps. */
export interface Opened {
  readonly core: PublisherCore;
  readonly store: FeedStore;
  readonly origin: Origin;
  /** What went wrong with its log, when it has one. */
  readonly logStats: () => LogStats | undefined;
}

const newEpoch = (): number => randomInt(2 ** 31);
const HISTORY_BYTES = 8 * 1024 * 1024;

/** Opens what `options` name. @throws what the file system throws, when a log cannot be opened */
export function openStore(options: StoreOptions): Opened {
  const { node = nodeName(), historyBytes = HISTORY_BYTES, folder } = options;
  if (folder === undefined) {
    const store = new History(historyBytes);
    const origin = { node, epoch: newEpoch() };
    return { store, origin, core: new PublisherCore(store), logStats: () => undefined };
  }
  const store = new SegmentLog({
    ...options.log,
    files: new FolderFiles(folder),
    node,
    newEpoch,
    defer: (run) => void setImmediate(run),
    now: () => Date.now(),
  });
  const core = new PublisherCore(store, store);
  return { store, core, origin: store.origin, logStats: () => store.stats() };
}
