import {
  arrange,
  awaitedMsOf,
  type NamedNode,
  nowhere,
  selfTimesByName,
} from "@zeroplane/tracing/model";
import { type DecodedLog, STATUS_ERROR } from "../span.ts";
import type { StoredSpan } from "../store/trace-rows.ts";
import { logsOf, spansOf } from "../store/trace-rows.ts";
import { KINDS, type LogView, type PathView, type SpanView, type Trace } from "../trace.ts";
import { ATTR_UNFINISHED } from "./open.ts";
import type { Readers } from "./readers.ts";

/** Spans of one trace that are read at most. */
export const TRACE_SPANS_MAX = 250_000;
const LOGS_MAX = 10_000;

/** A trace as it is stored. */
export interface StoredTrace {
  readonly spans: readonly StoredSpan[];
  readonly logs: readonly DecodedLog[];
}

/** Every span and log record of a trace, by start; none when there is no such trace. */
export function storedTrace(readers: Readers, traceId: string): StoredTrace {
  const id = Buffer.from(traceId, "hex");
  const spans = new Map<string, StoredSpan>();
  // Those that have ended since take their place.
  for (const span of readers.unfinished.spansOf(id)) spans.set(span.spanId.toString("hex"), span);
  const logs: DecodedLog[] = [];
  for (const { db } of readers.holding(id)) {
    for (const span of spansOf(db, id, TRACE_SPANS_MAX - spans.size))
      spans.set(span.spanId.toString("hex"), span);
    logs.push(...logsOf(db, id, LOGS_MAX - logs.length));
  }
  const byStart = [...spans.values()].toSorted(
    (a, b) => sinceNs(a, b) || endNs(b, a) - endNs(a, a),
  );
  return { spans: withSelfTimes(byStart), logs: logs.toSorted((a, b) => Number(a.atNs - b.atNs)) };
}

/** The trace for reading, with self times and the critical path. */
export function viewOf(traceId: string, { spans, logs }: StoredTrace): Trace {
  return {
    traceId,
    spans: spans.map(toView),
    logs: logs.map(toLogView),
    criticalPath: pathOf(spans),
  };
}

/** Self times of what has not ended are not stored. */
function withSelfTimes(spans: readonly StoredSpan[]): readonly StoredSpan[] {
  if (!spans.some((span) => isUnfinished(span))) return spans;
  const selfs = selfTimesByName(spans.map((span) => placed(span, spans[0] ?? span)));
  return spans.map((span, at) =>
    isUnfinished(span) ? { ...span, selfNs: Math.round((selfs[at] ?? 0) * 1e6) } : span,
  );
}

const isUnfinished = (span: StoredSpan): boolean => unfinishedOf(span).unfinished !== undefined;

/** Until when it is known to have gone on is its end here. */
function unfinishedOf({ attributes }: StoredSpan): Pick<SpanView, "unfinished"> {
  const state = attributes[ATTR_UNFINISHED];
  return state === "open" || state === "lost" ? { unfinished: state } : {};
}

function pathOf(spans: readonly StoredSpan[]): PathView[] {
  const baseMs = (spans[0]?.startUs ?? 0) / 1_000;
  const { order } = arrange(spans.map((span) => placed(span, spans[0] ?? span)));
  const parts = order.flatMap(({ id, critical }) => critical.map((part) => ({ id, ...part })));
  return parts
    .sort((a, b) => a.fromMs - b.fromMs)
    .map(({ id, fromMs, toMs }) => ({
      spanId: id,
      startMs: baseMs + fromMs,
      durationMs: toMs - fromMs,
    }));
}

/** From the begin of `base` to that of `span`: nanoseconds since 1970 do not fit a double. */
const sinceNs = (span: StoredSpan, base: StoredSpan): number =>
  (span.startUs - base.startUs) * 1_000 + span.startSub - base.startSub;

/** The same to its end. */
const endNs = (span: StoredSpan, base: StoredSpan): number => sinceNs(span, base) + span.durationNs;

function placed(span: StoredSpan, base: StoredSpan): NamedNode {
  const { spanId, parentId, kind, attributes } = span;
  return {
    ...nowhere(),
    id: spanId.toString("hex"),
    parentId: parentId?.toString("hex") ?? "",
    kind,
    startMs: sinceNs(span, base) / 1e6,
    endMs: endNs(span, base) / 1e6,
    awaitMs: awaitedMsOf((name) => attributes[name]),
  };
}

/** A log record for reading. */
export const toLogView = (log: DecodedLog): LogView => ({
  ...(log.spanId && { spanId: log.spanId.toString("hex") }),
  service: log.service,
  atMs: Number(log.atNs / 1_000n) / 1_000,
  severity: log.severity,
  body: log.body,
  attributes: log.attributes,
});

function toView(span: StoredSpan): SpanView {
  const type = span.attributes["error.type"];
  return {
    spanId: span.spanId.toString("hex"),
    ...(span.parentId && { parentId: span.parentId.toString("hex") }),
    service: span.service,
    node: span.node,
    name: span.name,
    kind: KINDS[span.kind] ?? "internal",
    startMs: span.startUs / 1_000,
    durationMs: span.durationNs / 1e6,
    selfMs: span.selfNs / 1e6,
    ...(span.status === STATUS_ERROR && {
      error: { message: span.statusMessage, ...(typeof type === "string" && { type }) },
    }),
    ...unfinishedOf(span),
    attributes: span.attributes,
    links: span.links,
  };
}
