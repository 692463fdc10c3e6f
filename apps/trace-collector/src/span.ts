import type { OpenReport } from "@zeroplane/tracing/wire";
import type { JsonPart } from "./ingest/json-text.ts";

/** Values of attributes, by name. */
export type Attributes = Record<string, unknown>;

/** Another span that a span names. */
export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes?: Attributes;
}

/** Something that happened within a span. */
export interface SpanEvent {
  readonly name: string;
  readonly atNs: string;
  readonly attributes: Attributes;
}

/** One span as it came, with what its process says of itself. */
export interface DecodedSpan {
  readonly traceId: Buffer;
  readonly spanId: Buffer;
  readonly parentId: Buffer | undefined;
  readonly service: string;
  readonly node: string;
  readonly name: string;
  /** As in OTLP: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  /** Microseconds since 1970, and the nanoseconds beyond them, below 1 000. */
  readonly startUs: number;
  readonly startSub: number;
  /** 0 when it ended before it began. */
  readonly durationNs: number;
  readonly attributes: Attributes;
  /** The same as JSON, where it is that already. */
  readonly attributesJson?: JsonPart;
  readonly links: readonly SpanLink[];
  readonly events?: readonly SpanEvent[];
  /** 0 unset, 1 ok, 2 error. */
  readonly status: number;
  readonly statusMessage: string;
  readonly traceState?: string;
  /** The process, as attributes. */
  readonly resource?: Attributes;
}

/** A log record that belongs to a trace. */
export interface DecodedLog {
  readonly traceId: Buffer;
  readonly spanId: Buffer | undefined;
  readonly service: string;
  readonly atNs: bigint;
  /** As in OTLP, 1 to 24. */
  readonly severity: number;
  readonly body: unknown;
  readonly attributes: Attributes;
}

/** What one message brought, and what in it could not be taken, by reason. */
export interface Decoded {
  readonly spans: readonly DecodedSpan[];
  readonly logs: readonly DecodedLog[];
  readonly refused: Readonly<Record<string, number>>;
  /** A process tells which of its spans have not ended. */
  readonly open?: OpenReport;
}

/** When a span began, nanoseconds since 1970. */
export const startNsOf = ({
  startUs,
  startSub,
}: Pick<DecodedSpan, "startUs" | "startSub">): bigint =>
  BigInt(startUs) * 1_000n + BigInt(startSub);

/** When a span ended, nanoseconds since 1970. */
export const endNsOf = (span: Pick<DecodedSpan, "startUs" | "startSub" | "durationNs">): bigint =>
  startNsOf(span) + BigInt(span.durationNs);

/** The times of a span by nanoseconds since 1970. */
export function timesOf(
  startNs: bigint,
  endNs: bigint,
): Pick<DecodedSpan, "startUs" | "startSub" | "durationNs"> {
  const ns = endNs - startNs;
  return {
    startUs: Number(startNs / 1_000n),
    startSub: Number(startNs % 1_000n),
    durationNs: ns < 0n ? 0 : Math.min(Number(ns), Number.MAX_SAFE_INTEGER),
  };
}

/** Status of a span that failed. */
export const STATUS_ERROR = 2;
