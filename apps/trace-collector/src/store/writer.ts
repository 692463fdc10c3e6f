import type { OpenReport } from "@zeroplane/tracing/wire";
import { decodeMessage, type Message } from "../ingest/decode.ts";
import { JsonText } from "../ingest/json-text.ts";
import type { DecodedLog, DecodedSpan } from "../span.ts";
import { TraceError } from "../trace-error.ts";
import { Finisher } from "./finisher.ts";
import { type OpenCounts, OpenTable } from "./open-table.ts";
import type { StoreOptions } from "./options.ts";
import { type PartitionSize, Partitions } from "./partitions.ts";

/** What became of one message. */
export interface Receipt {
  readonly spans: number;
  readonly logs: number;
  readonly duplicates: number;
  /** What was not taken, by reason. */
  readonly refused: Readonly<Record<string, number>>;
}

/** Counts since the start. */
export interface WriterStats extends OpenCounts {
  readonly batches: number;
  readonly spans: number;
  readonly logs: number;
  readonly duplicates: number;
  /** Spans of which attributes were cut. */
  readonly cut: number;
  readonly refused: Readonly<Record<string, number>>;
  /** Traces whose self times are not final. */
  readonly unfinished: number;
  readonly unfinishedForgotten: number;
  readonly partitionsDropped: number;
  readonly partitions: readonly PartitionSize[];
}

interface Waiting {
  readonly spans: DecodedSpan[];
  readonly logs: readonly DecodedLog[];
  readonly refused: Record<string, number>;
  readonly settle: PromiseWithResolvers<Receipt>;
}

const COALESCE_SPANS = 1_000;
/** What is stored at once, about: more would not cost less, and holds up what comes behind it. */
const TOGETHER_MAX = 4_000;
const COALESCE_MS = 200;
const TRIM_MS = 5_000;
const FINISH_MS = 500;
const AHEAD_MS = 10 * 60_000;

/**
 * Decodes messages and stores them together: those of 200 ms, or once they are 1 000 spans what has come until then,
 * up to 4 000. A receipt says that it is stored.
 */
export class Writer implements Disposable {
  readonly #options: StoreOptions;
  readonly #partitions: Partitions;
  readonly #finisher: Finisher;
  readonly #timers: NodeJS.Timeout[];
  readonly #refused: Record<string, number> = {};
  readonly #open: OpenTable;
  #onOpen: (() => void) | undefined;
  #onStored: ((spans: readonly DecodedSpan[]) => void) | undefined;
  /** Attributes of what waits. */
  readonly #json = new JsonText();
  #waiting: Waiting[] = [];
  #waitingSpans = 0;
  #flush: NodeJS.Timeout | undefined;
  #atOnce: NodeJS.Immediate | undefined;
  #counts = { batches: 0, spans: 0, logs: 0, duplicates: 0, cut: 0 };

  constructor(options: StoreOptions) {
    this.#options = options;
    this.#partitions = new Partitions(options);
    this.#finisher = new Finisher(this.#partitions);
    this.#open = new OpenTable(options.data, ({ traceId, spanId, startMs }) =>
      this.#partitions.has({ traceId, spanId }, startMs),
    );
    this.#timers = [
      setInterval(() => this.trim(Date.now()), TRIM_MS),
      setInterval(() => this.#finish(Date.now()), FINISH_MS),
    ];
  }

  /** Resolves once everything in `message` is stored. @throws TraceError when it is not understood or has no room */
  take(message: Message): Promise<Receipt> {
    const { length } = this.#json;
    try {
      const decoded = decodeMessage(message, this.#json);
      if (decoded.open !== undefined) this.#report(decoded.open);
      const refused = { ...decoded.refused };
      const { spans, logs } = this.#withinTime(decoded.spans, decoded.logs, refused);
      const settle = Promise.withResolvers<Receipt>();
      this.#waiting.push({ spans, logs, refused, settle });
      this.#waitingSpans += spans.length + logs.length;
      this.#flushSoon();
      return settle.promise;
    } catch (error) {
      this.#json.length = length;
      this.#refuse({ [reasonOf(error)]: 1 });
      return Promise.reject(error as Error);
    }
  }

  /** Tells of spans that were stored, and when what has not ended is no longer the same; `undefined` for no longer. */
  watch(
    onStored: ((spans: readonly DecodedSpan[]) => void) | undefined,
    onOpen?: () => void,
  ): void {
    this.#onStored = onStored;
    this.#onOpen = onOpen;
  }

  pin(traceId: Uint8Array, isPinned: boolean): void {
    this.#partitions.pin(traceId, isPinned);
  }

  /** Lets go of what is too old at `nowMs`, or too much. */
  trim(nowMs: number): void {
    this.#partitions.trim(nowMs);
  }

  stats(): WriterStats {
    const { waiting: unfinished, skipped: unfinishedForgotten } = this.#finisher;
    const partitionsDropped = this.#partitions.dropped;
    return {
      ...this.#counts,
      ...this.#open.counts,
      refused: { ...this.#refused },
      unfinished,
      unfinishedForgotten,
      partitionsDropped,
      partitions: this.#partitions.sizes(),
    };
  }

  /** Stores what waits. */
  flush(): void {
    clearTimeout(this.#flush);
    clearImmediate(this.#atOnce);
    this.#flush = undefined;
    this.#atOnce = undefined;
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingSpans = 0;
    try {
      const added = this.#store(waiting);
      for (const each of waiting) this.#acknowledge(each, added);
    } catch (error) {
      const count = waiting.reduce((sum, { spans, logs }) => sum + spans.length + logs.length, 0);
      this.#refuse({ [reasonOf(error)]: count });
      for (const { settle } of waiting) settle.reject(error);
    }
    this.#json.clear();
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.flush();
    this.#open[Symbol.dispose]();
    this.#partitions[Symbol.dispose]();
  }

  /** @returns how many spans were new, of all */
  #store(waiting: readonly Waiting[]): { readonly added: number; readonly all: number } {
    const spans = waiting.flatMap((each) => each.spans);
    const logs = waiting.flatMap((each) => each.logs);
    const { added, cut } = this.#partitions.add(spans, logs);
    this.#finisher.touch(spans, Date.now());
    this.#counts.cut += cut;
    this.#counts.spans += added;
    this.#counts.duplicates += spans.length - added;
    this.#counts.logs += logs.length;
    this.#counts.batches += waiting.length;
    if (this.#open.ended(spans)) this.#onOpen?.();
    this.#onStored?.(spans);
    return { added, all: spans.length };
  }

  /** Many wait for what came together with them, and no longer; few wait for more. */
  #flushSoon(): void {
    if (this.#waitingSpans >= TOGETHER_MAX) this.flush();
    else if (this.#waitingSpans >= COALESCE_SPANS)
      this.#atOnce ??= setImmediate(() => this.flush());
    else this.#flush ??= setTimeout(() => this.flush(), COALESCE_MS);
  }

  #report(report: OpenReport): void {
    this.#counts.batches++;
    this.#open.report(report, Date.now());
    this.#onOpen?.();
  }

  #finish(nowMs: number): void {
    this.#finisher.run(nowMs);
    if (this.#open.tick(nowMs, nowMs - this.#options.retention.ms)) this.#onOpen?.();
  }

  #acknowledge(
    { spans, logs, refused, settle }: Waiting,
    { added, all }: { added: number; all: number },
  ): void {
    this.#refuse(refused);
    const duplicates = added === all ? 0 : Math.min(spans.length, all - added);
    settle.resolve({ spans: spans.length, logs: logs.length, duplicates, refused });
  }

  #withinTime(
    spans: readonly DecodedSpan[],
    logs: readonly DecodedLog[],
    refused: Record<string, number>,
  ): { readonly spans: DecodedSpan[]; readonly logs: DecodedLog[] } {
    const now = Date.now();
    const oldest = now - this.#options.retention.ms;
    const newest = now + AHEAD_MS;
    const isWithin = (ms: number): boolean => {
      const reason = ms > newest ? "future" : ms < oldest ? "old" : undefined;
      if (reason !== undefined) refused[reason] = (refused[reason] ?? 0) + 1;
      return reason === undefined;
    };
    return {
      spans: spans.filter(({ startUs }) => isWithin(startUs / 1_000)),
      logs: logs.filter(({ atNs }) => isWithin(Number(atNs / 1_000_000n))),
    };
  }

  #refuse(reasons: Readonly<Record<string, number>>): void {
    for (const [reason, count] of Object.entries(reasons)) {
      this.#refused[reason] = (this.#refused[reason] ?? 0) + count;
    }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ERR_OTLP: "otlp",
  ERR_CALLS: "calls",
  ERR_OPEN: "open",
  ERR_KIND: "kind",
  ERR_TOO_LARGE: "large",
  ERR_STORE_FULL: "full",
};

const reasonOf = (error: unknown): string =>
  (error instanceof TraceError ? REASONS[error.code] : undefined) ?? "store";
