import { randomInt } from "node:crypto";
import { resolve } from "node:path";
import { nodeName } from "@zeroplane/link";
import { PatternError } from "../errors.ts";
import { type FeedStore, History } from "./history.ts";
import { FolderFiles } from "./log-files.ts";
import type { Origin } from "./message.ts";
import type { Resumed } from "./publisher-core.ts";
import { type LogLimits, type LogOptions, type LogStats, SegmentLog } from "./segment-log.ts";
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
  /** Makes what was kept safe, and lets another feed use the folder. */
  readonly close: () => void;
}

/** Folders that feeds of this process use. */
const taken = new Set<string>();

const newEpoch = (): number => randomInt(2 ** 31);
const HISTORY_BYTES = 8 * 1024 * 1024;

/** Opens what `options` name. @throws PatternError ERR_STORE or ERR_STORE_FULL, naming the folder */
export function openStore(options: StoreOptions): Opened {
  const { node = nodeName(), historyBytes = HISTORY_BYTES, folder } = options;
  if (folder === undefined) {
    const store = new History(historyBytes);
    const origin = { node, epoch: newEpoch() };
    return {
      store,
      origin,
      resumed: undefined,
      logStats: () => undefined,
      close: () => store.close(),
    };
  }
  return openLog(folder, node, options.log);
}

function openLog(folder: string, node: string, limits: LogLimits = {}): Opened {
  const path = resolve(folder);
  if (taken.has(path))
    throw new PatternError("ERR_STORE", `the log in ${folder} is open: one folder for each feed`);
  const now = (): number => Date.now();
  const files = filesOf(folder);
  const store = logIn(files, { ...limits, files, folder, node, newEpoch, now });
  taken.add(path);
  const close = (): void => {
    taken.delete(path);
    store.close();
  };
  const logStats = (): LogStats => store.stats();
  return { store, origin: store.origin, resumed: store, logStats, close };
}

/** When it cannot be opened, no file is left open. */
function logIn(files: FolderFiles, options: LogOptions): SegmentLog {
  try {
    return new SegmentLog(options);
  } catch (error) {
    files.close();
    throw error;
  }
}

function filesOf(folder: string): FolderFiles {
  try {
    return new FolderFiles(folder);
  } catch (error) {
    throw storeFault(folder, error);
  }
}
