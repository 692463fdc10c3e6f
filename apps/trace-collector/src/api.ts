/** What the HTTP API under `/api/` answers. Times are milliseconds since 1970, durations milliseconds. */

import type { LogView } from "./trace.ts";

/** What a span has beyond the skeleton of its trace. */
export interface SpanDetails {
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly {
    readonly name: string;
    readonly atMs: number;
    readonly attributes: Readonly<Record<string, unknown>>;
  }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** The process. */
  readonly resource: Readonly<Record<string, unknown>>;
  readonly statusMessage: string;
}

/** The log records of a trace, by time. */
export interface LogPage {
  readonly logs: readonly LogView[];
  /** True when there are more than these. */
  readonly isCut: boolean;
}

export type { LogView };

/** A trace or a span that a search found. */
export interface SearchRow {
  readonly traceId: string;
  readonly spanId: string;
  readonly service: string;
  readonly operation: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly error: boolean;
  /** Of the whole trace, in a search for traces. */
  readonly trace?: {
    readonly name: string;
    readonly service: string;
    readonly startMs: number;
    readonly durationMs: number;
    readonly spans: number;
    readonly services: number;
    readonly errors: number;
  };
}

/** A page of a search. */
export interface SearchPage {
  readonly rows: readonly SearchRow[];
  /** Over the whole range, not of this page; absent when they were not asked for. */
  readonly totals?: { readonly spans: number; readonly traces: number };
  /** Give it as `cursor` for the next page; absent on the last one. */
  readonly cursor?: string;
}

/** What a search, and everything that takes a population, can be narrowed by; nothing is mandatory. */
export interface SpanFilter {
  readonly service?: string;
  readonly operation?: string;
  /** `key=value` pairs, all of which must hold. */
  readonly attributes?: readonly (readonly [key: string, value: string])[];
  readonly minMs?: number;
  readonly maxMs?: number;
  readonly error?: boolean;
  /** Text anywhere in attributes, events and messages. */
  readonly text?: string;
  readonly fromMs?: number;
  readonly toMs?: number;
}

export interface SearchQuery extends SpanFilter {
  /** Default `traces`. */
  readonly of?: "traces" | "spans";
  /** Default `start`: newest first. */
  readonly sort?: "start" | "duration";
  /** Default 20, at most 500. */
  readonly limit?: number;
  readonly cursor?: string;
  /** `false`: what fits is not counted, which takes longer than all the rest (default true). */
  readonly totals?: boolean;
}

/** Spans by when they began and how long they took. */
export interface Heatmap {
  readonly fromMs: number;
  /** Time that a column stands for. */
  readonly columnMs: number;
  readonly columns: number;
  /** Those with spans; a row is a stretch of durations, of equal length on a logarithmic scale. */
  readonly cells: readonly {
    /** Its column, from 0. */
    readonly at: number;
    readonly minMs: number;
    readonly maxMs: number;
    readonly spans: number;
    readonly errors: number;
  }[];
}

/** A part of a heatmap. */
export interface TimeBox {
  readonly fromMs: number;
  readonly toMs: number;
  readonly minMs: number;
  readonly maxMs: number;
}

/** Something that is more, or less, common in a box than outside. */
export interface Difference {
  readonly kind: "service" | "operation" | "error" | "attribute";
  /** Of an attribute its name, of an operation its service. */
  readonly key: string;
  readonly value: string;
  /** Shares of the spans that have it, 0 to 1. */
  readonly inside: number;
  readonly outside: number;
}

/** What sets the spans in a box apart from the others. */
export interface Explanation {
  readonly inside: ExplainedSide;
  readonly outside: ExplainedSide;
  /** The clearest first. */
  readonly differences: readonly Difference[];
  /** The longest spans in the box. */
  readonly examples: readonly SearchRow[];
}

export interface ExplainedSide {
  readonly spans: number;
  /** Spans of these that were looked at. */
  readonly looked: number;
  /** Values that were not counted since there were too many different ones. */
  readonly skipped: number;
}

/** One operation of a service over a range. Counts are those before sampling. */
export interface OperationRow {
  readonly service: string;
  readonly operation: string;
  readonly kind: string;
  readonly count: number;
  readonly perSecond: number;
  readonly errors: number;
  /** Exact to 2.2 %. */
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly p99Ms: number;
  readonly totalMs: number;
  readonly selfMs: number;
  /** Traces that are good examples: of the median, the slowest, and one with an error. */
  readonly exemplars: { readonly p50?: string; readonly slowest?: string; readonly error?: string };
}

/** The same failure, wherever it was seen. */
export interface ErrorGroup {
  readonly fingerprint: string;
  readonly type: string;
  readonly code?: string;
  readonly message: string;
  /** The service and operation where it began. */
  readonly service: string;
  readonly operation: string;
  readonly frames: readonly string[];
  readonly count: number;
  readonly traces: number;
  readonly firstMs: number;
  readonly lastMs: number;
  /** Other services that saw it. */
  readonly observers: readonly string[];
  readonly exemplar: string;
}

export interface ServiceNode {
  readonly service: string;
  readonly spans: number;
  readonly errors: number;
}

export interface ServiceEdge {
  readonly from: string;
  readonly to: string;
  /** How it goes: a call, a job (parent), or a feed (link). */
  readonly kind: "call" | "job" | "feed";
  readonly count: number;
  readonly errors: number;
  readonly averageMs: number;
  /** Average time from the sender's start to the receiver's. */
  readonly lagMs: number;
  /** Messages of a feed that the receiver did not get: lost, or skipped since it was slow. */
  readonly missed: number;
}

export interface ServiceMap {
  readonly services: readonly ServiceNode[];
  readonly edges: readonly ServiceEdge[];
}

/** One operation in two traces or two populations. */
export interface ComparedOperation {
  readonly service: string;
  readonly operation: string;
  readonly a: ComparedSide;
  readonly b: ComparedSide;
  /** Self time of a trace of B less that of A. */
  readonly selfMsPerTraceChange: number;
}

export interface ComparedSide {
  readonly spans: number;
  readonly errors: number;
  readonly totalMs: number;
  readonly selfMs: number;
}

export interface Comparison {
  readonly traces: { readonly a: number; readonly b: number };
  readonly operations: readonly ComparedOperation[];
}

/** A span that has not ended. */
export interface OpenRow {
  readonly traceId: string;
  readonly spanId: string;
  readonly service: string;
  /** Name of the process. */
  readonly node: string;
  readonly operation: string;
  readonly startMs: number;
  /** When its process last said so, by that one's clock. */
  readonly seenMs: number;
  /** `lost`: its process is gone, so that it never ends. */
  readonly state: "open" | "lost";
}

/** What has not ended; of many the longest open. */
export interface OpenPage {
  readonly open: number;
  readonly lost: number;
  readonly rows: readonly OpenRow[];
}

/** What is missing of a process that was killed. */
export interface SpanHole {
  readonly service: string;
  readonly node: string;
  /** Spans that it had recorded and had no room to keep. */
  readonly spans: number;
  /** Bytes that it was writing when it was killed. */
  readonly bytes: number;
  /** Up to when all of its spans are here: what ended after that is missing, and not counted. */
  readonly sinceMs: number;
  /** When that became known. */
  readonly atMs: number;
}

/** One event of `/api/live`. */
export interface LiveSpans {
  readonly spans: readonly SearchRow[];
  /** Spans that came in the same time and are not shown. */
  readonly hidden: number;
  /** What has not ended, when that has changed; at first in any case. */
  readonly open?: OpenPage;
}
