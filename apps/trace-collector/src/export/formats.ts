import type { SpanView, Trace } from "../trace.ts";

/** The trace as Chrome trace events, for Perfetto: a process for each service, a lane for spans that overlap. */
export function toPerfetto({ spans }: Trace): object {
  const services = [...new Set(spans.map(({ service }) => service))];
  const names = services.map((name, pid) => ({
    ph: "M",
    name: "process_name",
    pid,
    args: { name },
  }));
  const lanes = new Map<number, number[]>();
  const events = spans.map((span) => {
    const pid = services.indexOf(span.service);
    const own = lanes.get(pid) ?? [];
    lanes.set(pid, own);
    const ends = span.startMs + span.durationMs;
    const free = own.findIndex((until) => until <= span.startMs);
    const tid = free === -1 ? own.length : free;
    own[tid] = ends;
    const args = { ...span.attributes, spanId: span.spanId };
    return {
      ph: "X",
      name: span.name,
      cat: span.kind,
      pid,
      tid,
      ts: span.startMs * 1_000,
      dur: span.durationMs * 1_000,
      args,
    };
  });
  return { traceEvents: [...names, ...events], displayTimeUnit: "ms" };
}

/** The trace for speedscope: its self times as samples, by the path of spans above. */
export function toSpeedscope({ traceId, spans }: Trace): object {
  const frames: { readonly name: string }[] = [];
  const indexes = new Map<string, number>();
  const known = new Map(spans.map((span) => [span.spanId, span]));
  const frameOf = ({ service, name }: SpanView): number => {
    const text = `${service} ${name}`;
    const index = indexes.get(text) ?? frames.push({ name: text }) - 1;
    indexes.set(text, index);
    return index;
  };
  const samples = spans.map((span) => pathOf(span, known).map(frameOf));
  const weights = spans.map(({ selfMs }) => selfMs);
  const endValue = weights.reduce((sum, weight) => sum + weight, 0);
  const profile = {
    type: "sampled",
    name: traceId,
    unit: "milliseconds",
    startValue: 0,
    endValue,
    samples,
    weights,
  };
  return {
    $schema: "https://www.speedscope.app/file-format-schema.json",
    shared: { frames },
    profiles: [profile],
  };
}

const DEPTH_MAX = 256;

/** The spans above one and itself; a cycle ends it. */
function pathOf(span: SpanView, known: ReadonlyMap<string, SpanView>): SpanView[] {
  const path: SpanView[] = [];
  for (let at: SpanView | undefined = span; at !== undefined && path.length < DEPTH_MAX; ) {
    if (path.includes(at)) break;
    path.push(at);
    at = at.parentId === undefined ? undefined : known.get(at.parentId);
  }
  return path.toReversed();
}

const HTML_SPANS_MAX = 20_000;

/** The trace as one HTML file that needs nothing else, not even a script; its first 20 000 spans. */
export function toHtml(trace: Trace): string {
  const { traceId, spans } = trace;
  const startMs = spans[0]?.startMs ?? 0;
  const endMs = spans.reduce((end, span) => Math.max(end, span.startMs + span.durationMs), startMs);
  const scale = 100 / Math.max(endMs - startMs, 1e-6);
  const known = new Map(spans.map((span) => [span.spanId, span]));
  const rows = spans.slice(0, HTML_SPANS_MAX).map((span) => {
    const left = ((span.startMs - startMs) * scale).toFixed(3);
    const width = Math.max(span.durationMs * scale, 0.1).toFixed(3);
    const indent = pathOf(span, known).length - 1;
    const about = escape(JSON.stringify(span.attributes, null, 1));
    const error = span.error === undefined ? "" : `<b>error: ${escape(span.error.message)}</b>`;
    return `<details><summary><span style="padding-left:${indent}em">${escape(span.service)} <i>${escape(span.name)}</i> ${span.durationMs.toFixed(3)} ms ${error}</span>
<span class="bar"><span style="left:${left}%;width:${width}%"></span></span></summary><pre>${about}</pre></details>`;
  });
  const left = spans.length - rows.length;
  const more = left > 0 ? `<p>${left} more spans are not shown.</p>` : "";
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Trace ${traceId}</title><style>
:root{color-scheme:light dark}body{font:13px system-ui;margin:1rem}summary{display:grid;grid-template-columns:1fr 1fr}
.bar{position:relative;background:#8882}.bar>span{position:absolute;top:2px;bottom:2px;background:#4a7bd0}b{color:#c33}</style>
<h1>Trace ${traceId}</h1><p>${spans.length} spans, ${(endMs - startMs).toFixed(3)} ms, ${new Date(startMs).toISOString()}</p>
${rows.join("\n")}${more}</html>`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};
const escape = (text: string): string => text.replace(/[&<>"]/g, (each) => ESCAPES[each] ?? each);
