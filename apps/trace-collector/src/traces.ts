import type { SenderStats } from "@zeroplane/patterns";
import type { IntakeStats } from "./intake.ts";
import type { Trace, TraceQuery, TraceSummary } from "./trace.ts";
import { TraceError } from "./trace-error.ts";
import type { TraceStore } from "./trace-store.ts";

/** What the collector has and what it has missed. */
export interface CollectorStats extends IntakeStats {
  readonly bytes: number;
  /** By process: messages that came, got lost, or were dropped there for want of room. */
  readonly senders: readonly SenderStats[];
}

/** The traces of this platform. */
export class Traces {
  readonly #store: TraceStore;
  readonly #stats: () => Omit<CollectorStats, "bytes">;

  constructor(store: TraceStore, stats: () => Omit<CollectorStats, "bytes">) {
    this.#store = store;
    this.#stats = stats;
  }

  /**
   * Every span of a trace that has come so far, by start.
   * @param traceId 32 hex digits
   * @throws TraceError ERR_NOT_FOUND when there is none
   */
  get(traceId: string): Trace {
    const spans = /^[0-9a-f]{32}$/.test(traceId) ? this.#store.get(traceId) : [];
    if (spans.length === 0) {
      const hint = "spans arrive within a second; older ones are kept for a time";
      throw new TraceError("ERR_NOT_FOUND", `no trace ${JSON.stringify(traceId)}; ${hint}`);
    }
    return { traceId, spans };
  }

  /** Traces with a span that fits, newest first. */
  list(query: TraceQuery = {}): TraceSummary[] {
    return this.#store.list(query);
  }

  /** What came, what is kept, and what was lost on the way. */
  stats(): CollectorStats {
    return { ...this.#stats(), bytes: this.#store.bytes };
  }
}
