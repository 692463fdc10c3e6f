import type { SenderStats } from "@zeroplane/patterns";
import type { SpanHole } from "./api.ts";
import type { StoreStats, TraceStore } from "./store/trace-store.ts";
import type { TeeStats } from "./tee/tee.ts";
import type { Trace, TraceQuery, TraceSummary } from "./trace.ts";
import { TraceError } from "./trace-error.ts";

/** What the collector has and what it has missed. */
export interface CollectorStats extends StoreStats {
  readonly bytes: number;
  /** What is missing of processes that were killed, the newest first; at most 100. */
  readonly holes: readonly SpanHole[];
  /** By process: messages that came, got lost, or were dropped there for want of room. */
  readonly senders: readonly SenderStats[];
  /** What was sent on, and what was not; absent when nothing is. */
  readonly tee?: TeeStats;
}

/** Where counts beyond those of the store come from. */
interface Sources {
  readonly senders?: () => readonly SenderStats[];
  readonly tee?: () => Promise<TeeStats>;
}

const LIMIT = 20;

/** The traces of this platform. */
export class Traces {
  readonly #store: TraceStore;
  readonly #sources: Sources;

  constructor(store: TraceStore, sources: Sources = {}) {
    this.#store = store;
    this.#sources = sources;
  }

  /**
   * Every span of a trace that has come so far, by start.
   * @param traceId 32 hex digits
   * @throws TraceError ERR_NOT_FOUND when there is none
   */
  async get(traceId: string): Promise<Trace> {
    const trace = isTraceId(traceId) ? await this.#store.query("trace", traceId) : undefined;
    return trace ?? notFound(traceId);
  }

  /** Traces with a span that fits, newest first. */
  async list(query: TraceQuery = {}): Promise<TraceSummary[]> {
    const { service, name: operation, minMs, error, limit = LIMIT } = query;
    const { rows } = await this.#store.query("search", {
      limit,
      ...(service !== undefined && { service }),
      ...(operation !== undefined && { operation }),
      ...(minMs !== undefined && { minMs }),
      ...(error === true && { error }),
    });
    return rows.flatMap(({ traceId, trace }) =>
      trace === undefined ? [] : [{ traceId, ...trace }],
    );
  }

  /** What came, what is kept, and what was lost on the way. */
  async stats(): Promise<CollectorStats> {
    const [stats, tee] = await Promise.all([this.#store.stats(), this.#sources.tee?.()]);
    const bytes = stats.partitions.reduce((sum, partition) => sum + partition.bytes, 0);
    const holes = await this.#store.query("holes");
    const senders = this.#sources.senders?.() ?? [];
    return { ...stats, bytes, holes, senders, ...(tee && { tee }) };
  }
}

/** True for 32 hex digits. */
export const isTraceId = (text: string): boolean => /^[0-9a-f]{32}$/.test(text);

/** @throws TraceError ERR_NOT_FOUND */
export function notFound(traceId: string): never {
  const hint = "spans arrive within a second; older ones are kept for a time";
  throw new TraceError("ERR_NOT_FOUND", `no trace ${JSON.stringify(traceId)}; ${hint}`);
}
