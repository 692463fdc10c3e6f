import { randomInt } from "node:crypto";
import { nodeName } from "@zeroplane/link";
import { type FeedStore, History } from "./history.ts";
import { FolderFiles } from "./log-files.ts";
import type { Origin } from "./message.ts";
import type { Resumed } from "./publisher-core.ts";
import { type LogLimits, type LogStats, SegmentLog } from "./segment-log.ts";
import { storeFault } from "./store-fault.ts";

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

/** What a publisher keeps. */
export interface Opened {
  readonly store: FeedStore;
  readonly origin: Origin;
  /** Where it goes on, when it has a log. */
  readonly resumed: Resumed | undefined;
  /** What went wrong with its log, when it has one. */
  readonly logStats: () => LogStats | undefined;
}

const newEpoch = (): number => randomInt(2 ** 31);
const HISTORY_BYTES = 8 * 1024 * 1024;

/** Opens what `options` name. @throws PatternError ERR_STORE or ERR_STORE_FULL, naming the folder */
export function openStore(options: StoreOptions): Opened {
  const { node = nodeName(), historyBytes = HISTORY_BYTES, folder } = options;
  if (folder === undefined) {
    const store = new History(historyBytes);
    const origin = { node, epoch: newEpoch() };
    return { store, origin, resumed: undefined, logStats: () => undefined };
  }
  const files = filesOf(folder);
  const now = (): number => Date.now();
  const store = new SegmentLog({ ...options.log, files, folder, node, newEpoch, now });
  return { store, origin: store.origin, resumed: store, logStats: () => store.stats() };
}

function filesOf(folder: string): FolderFiles {
  try {
    return new FolderFiles(folder);
  } catch (error) {
    throw storeFault(folder, error);
  }
}
