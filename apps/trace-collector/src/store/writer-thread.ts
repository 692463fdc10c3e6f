import type { Message } from "../ingest/decode.ts";
import { LiveFeed } from "./live-feed.ts";
import type { StoreOptions } from "./options.ts";
import { offer, threadData } from "./thread.ts";
import { Writer } from "./writer.ts";

const writer = new Writer(threadData<StoreOptions>());
const live = new LiveFeed((event) => tell(event));

const methods = {
  take: (message: Message) => writer.take(message),
  pin: (traceId: Uint8Array, isPinned: boolean) => writer.pin(traceId, isPinned),
  trim: (nowMs: number) => writer.trim(nowMs),
  stats: () => writer.stats(),
  watch: (isWatched: boolean) => writer.watch(isWatched ? (spans) => live.add(spans) : undefined),
};

/** What the writer's thread offers. */
export type WriterMethods = typeof methods;

const tell = offer(methods, () => {
  live[Symbol.dispose]();
  writer[Symbol.dispose]();
});
