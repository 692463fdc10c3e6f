import type { SearchQuery, SpanFilter, TimeBox } from "../api.ts";
import { toHtml, toPerfetto, toSpeedscope } from "../export/formats.ts";
import { toOtlpJson } from "../export/otlp-json.ts";
import { offer, threadData } from "../store/thread.ts";
import { compare, type Side } from "./compare.ts";
import { errors } from "./errors.ts";
import { explain } from "./explain.ts";
import { heatmap } from "./heatmap.ts";
import { operations } from "./operations.ts";
import { Readers } from "./readers.ts";
import { search } from "./search.ts";
import { serviceMap } from "./service-map.ts";
import { skeletonOf } from "./skeleton.ts";
import { detailsOf, findInTrace, logPageOf } from "./trace-details.ts";
import { storedTrace, viewOf } from "./trace-view.ts";

const readers = new Readers(threadData<{ readonly data: string }>().data);
const { unfinished } = readers;

type Range = Parameters<typeof operations>[1];

/** Forms of a trace, as text. */
export type TraceFormat = "otlp" | "view" | "perfetto" | "speedscope" | "html";

const methods = {
  /** `undefined` when there is no such trace. */
  trace: (traceId: string) => {
    const stored = storedTrace(readers, traceId);
    return stored.spans.length + stored.logs.length === 0 ? undefined : viewOf(traceId, stored);
  },
  /** Text in a format; made here, so that the main thread only passes it on. */
  exported: (traceId: string, format: TraceFormat): string | undefined => {
    const stored = storedTrace(readers, traceId);
    if (stored.spans.length + stored.logs.length === 0) return undefined;
    if (format === "otlp") return JSON.stringify(toOtlpJson(stored.spans));
    const view = viewOf(traceId, stored);
    if (format === "html") return toHtml(view);
    if (format === "perfetto") return JSON.stringify(toPerfetto(view));
    return JSON.stringify(format === "speedscope" ? toSpeedscope(view) : view);
  },
  skeleton: (traceId: string) => skeletonOf(readers, traceId),
  details: (traceId: string, spanIds: readonly string[]) => detailsOf(readers, traceId, spanIds),
  logs: (traceId: string) => logPageOf(readers, traceId),
  find: (traceId: string, text: string) => findInTrace(readers, traceId, text),
  search: (query: SearchQuery) => search(readers, query),
  heatmap: (filter: SpanFilter) => heatmap(readers, filter),
  explain: (filter: SpanFilter, box: TimeBox) => explain(readers, filter, box),
  operations: (range: Range) => operations(readers, range),
  errors: (range: Range) => errors(readers, range),
  map: (range: Range) => serviceMap(readers, range),
  compare: (a: Side, b: Side) => compare(readers, a, b),
  /** What has not ended. */
  open: (limit?: number) => unfinished.page(limit),
  holes: () => unfinished.holes(),
};

/** What the reader's thread offers. */
export type ReaderMethods = typeof methods;

offer(methods, () => readers[Symbol.dispose]());
