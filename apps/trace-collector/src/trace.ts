/** Kinds of spans by their number in OTLP. */
export const KINDS = ["internal", "internal", "server", "client", "producer", "consumer"] as const;

/** One span, for reading. */
export interface SpanView {
  readonly spanId: string;
  readonly parentId?: string;
  readonly service: string;
  /** Name of the process. */
  readonly node: string;
  readonly name: string;
  readonly kind: (typeof KINDS)[number];
  /** Milliseconds since 1970, with microseconds behind the point. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Time that none of its children accounts for. */
  readonly selfMs: number;
  readonly error?: { readonly message: string; readonly type?: string };
  /** It has not ended: its process goes on, or is gone. Its duration is up to when that was last heard of. */
  readonly unfinished?: "open" | "lost";
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
}

/** Every span of a trace that has come, by start. */
export interface Trace {
  readonly traceId: string;
  readonly spans: readonly SpanView[];
  readonly logs: readonly LogView[];
  /** What its length is made of, by time. */
  readonly criticalPath: readonly PathView[];
}

/** A log record of a trace. */
export interface LogView {
  readonly spanId?: string;
  readonly service: string;
  readonly atMs: number;
  /** As in OTLP, 1 to 24. */
  readonly severity: number;
  readonly body: unknown;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A stretch of the critical path. */
export interface PathView {
  readonly spanId: string;
  readonly startMs: number;
  readonly durationMs: number;
}

/** A trace in one line. */
export interface TraceSummary {
  readonly traceId: string;
  /** Name of its first span. */
  readonly name: string;
  readonly service: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly spans: number;
  readonly services: number;
  readonly errors: number;
}

/** Which traces are wanted. */
export interface TraceQuery {
  /** With a span of this service. */
  readonly service?: string;
  /** With a span of this name. */
  readonly name?: string;
  /** At least this long, milliseconds. */
  readonly minMs?: number;
  /** With an error. */
  readonly error?: boolean;
  /** How many at most (default 20, at most 500). */
  readonly limit?: number;
}
