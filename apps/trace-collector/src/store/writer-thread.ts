import type { Message } from "../ingest/decode.ts";
import { OpenReader } from "../query/open.ts";
import { LiveFeed } from "./live-feed.ts";
import type { StoreOptions } from "./options.ts";
import { offer, threadData } from "./thread.ts";
import { Writer } from "./writer.ts";

/** Spans that are told of while somebody watches. */
const OPEN_ROWS = 100;

const options = threadData<StoreOptions>();
const writer = new Writer(options);
const unfinished = new OpenReader(options.data);
const live = new LiveFeed(
  (event) => tell(event),
  () => unfinished.page(OPEN_ROWS),
);

const methods = {
  take: (message: Message) => writer.take(message),
  pin: (traceId: Uint8Array, isPinned: boolean) => writer.pin(traceId, isPinned),
  trim: (nowMs: number) => writer.trim(nowMs),
  stats: () => writer.stats(),
  watch: (isWatched: boolean) => {
    if (!isWatched) return writer.watch(undefined);
    writer.watch(
      (spans) => live.add(spans),
      () => live.openChanged(),
    );
    // Who begins to watch is told of what there is.
    if (writer.stats().open + writer.stats().lost > 0) live.openChanged();
  },
};

/** What the writer's thread offers. */
export type WriterMethods = typeof methods;

const tell = offer(methods, () => {
  live[Symbol.dispose]();
  unfinished[Symbol.dispose]();
  writer[Symbol.dispose]();
});
