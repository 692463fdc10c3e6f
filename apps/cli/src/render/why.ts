import type { SpanView, Trace } from "@zeroplane/trace-collector";
import {
  arrange,
  awaitedMsOf,
  type FailedNode,
  type Failure,
  failuresOf,
  type NamedNode,
  nowhere,
} from "@zeroplane/tracing/model";
import type { Style } from "./style.ts";
import { clip, pad, padLeft, safe, safeLines } from "./text.ts";
import { formatMs } from "./units.ts";

const PARTS_MAX = 20;
const OPERATIONS_MAX = 8;
const FAILURES_MAX = 5;
const STACK_LINES_MAX = 40;
const NAME_WIDTH = 48;
const BAR_WIDTH = 20;
const CONSUMER = 5;
const INTERNAL = 1;

interface Placed extends FailedNode, NamedNode {
  readonly view: SpanView;
}

/**
 * What a trace says of itself in words: what the whole of it waited for, which operations took the
 * time, and what failed, from where it began through every process that it came through.
 */
export function whyLines({ traceId, spans }: Trace, style: Style): string[] {
  const { order } = arrange(spans.map(placed));
  const startMs = Math.min(...order.map((span) => span.startMs));
  const wholeMs = Math.max(...order.map(({ endMs }) => endMs)) - startMs;
  const head = `trace ${safe(traceId)}  ${safe(order[0]?.view.name ?? "")}  ${formatMs(wholeMs)}`;
  return [
    style.bold(head),
    ...waitedFor(order, wholeMs, style),
    ...tookTime(order, style),
    ...failed(order, style),
  ];
}

function placed(view: SpanView): Placed {
  const { spanId, parentId = "", startMs, durationMs, kind, error, attributes } = view;
  return {
    ...nowhere(),
    view,
    id: spanId,
    parentId,
    startMs,
    endMs: startMs + durationMs,
    kind: kind === "consumer" ? CONSUMER : INTERNAL,
    awaitMs: awaitedMsOf((name) => attributes[name]),
    failure: error?.message,
    isForeign: "zp.error.origin" in attributes,
  };
}

const named = ({ service, name }: SpanView): string => safe(`${service} ${name}`);

function waitedFor(order: readonly Placed[], wholeMs: number, style: Style): string[] {
  const parts = order.flatMap(({ view, critical }) =>
    critical.map(({ fromMs, toMs }) => ({ view, fromMs, ms: toMs - fromMs })),
  );
  const longest = parts.toSorted((a, b) => b.ms - a.ms).slice(0, PARTS_MAX);
  const shown = longest.toSorted((a, b) => a.fromMs - b.fromMs);
  const rest = parts.length - shown.length;
  return [
    "",
    style.bold("what it waited for, in order"),
    ...shown.map(({ view, ms }) => line(named(view), ms, { wholeMs, style })),
    ...(rest > 0 ? [style.dim(`  and ${rest} shorter parts`)] : []),
  ];
}

function tookTime(order: readonly Placed[], style: Style): string[] {
  const sums = new Map<string, { ms: number; spans: number }>();
  let selfMs = 0;
  for (const { view, selfMs: ms } of order) {
    const sum = sums.get(named(view)) ?? { ms: 0, spans: 0 };
    sums.set(named(view), { ms: sum.ms + ms, spans: sum.spans + 1 });
    selfMs += ms;
  }
  const most = [...sums].sort(([, a], [, b]) => b.ms - a.ms).slice(0, OPERATIONS_MAX);
  return [
    "",
    style.bold("what took the time, without what it called"),
    ...most.map(([name, { ms, spans }]) =>
      line(spans > 1 ? `${name} ×${spans}` : name, ms, { wholeMs: selfMs, style }),
    ),
  ];
}

function line(
  name: string,
  ms: number,
  { wholeMs, style }: { readonly wholeMs: number; readonly style: Style },
): string {
  const share = wholeMs > 0 ? ms / wholeMs : 0;
  const bar = style.accent("━".repeat(Math.round(share * BAR_WIDTH)));
  const percent = padLeft(`${(share * 100).toFixed(1)} %`, 7);
  return `  ${pad(clip(name, NAME_WIDTH), NAME_WIDTH)} ${padLeft(formatMs(ms), 10)} ${percent}  ${bar}`.trimEnd();
}

function failed(order: readonly Placed[], style: Style): string[] {
  const failures = failuresOf(order);
  if (failures.length === 0) return [];
  const rest = failures.length - FAILURES_MAX;
  return [
    "",
    style.bold("what failed"),
    ...failures.slice(0, FAILURES_MAX).flatMap((each) => failure(each, style)),
    ...(rest > 0 ? [style.dim(`  and ${rest} more; zp trace shows all`)] : []),
  ];
}

function failure({ origin, through, also }: Failure<Placed>, style: Style): string[] {
  const { error } = origin.view;
  // The root's goes through every process, the origin's through its own.
  const stack = [...through.toReversed(), origin]
    .map(({ view }) => view.attributes["exception.stacktrace"])
    .find((text) => text !== undefined);
  const hop = (way: string, { view }: Placed): string =>
    `    ${way} ${named(view)} ${style.dim(safe(view.node))}`;
  const lines = typeof stack === "string" ? folded(safeLines(stack)) : [];
  return [
    `  ${style.bad("✗")} ${style.bad(safe(`${error?.type ?? "error"}: ${error?.message ?? ""}`))}`,
    hop("began in", origin),
    ...through.map((span) => hop("through", span)),
    ...also.map((span) => hop("also told to", span)),
    ...lines.slice(0, STACK_LINES_MAX).map((text) => style.dim(`    ${text}`)),
  ];
}

const LIBRARY = /^\s*at .*(node_modules|node:|\/libs\/(rpc|link|patterns|tracing)\/)/;

/** Frames of libraries in a row become one line. */
function folded(lines: readonly string[]): string[] {
  const kept: string[] = [];
  let hidden = 0;
  for (const text of [...lines, ""]) {
    if (LIBRARY.test(text)) {
      hidden++;
      continue;
    }
    if (hidden > 0) kept.push(`    … ${hidden} library frame${hidden === 1 ? "" : "s"}`);
    hidden = 0;
    if (text !== "") kept.push(text);
  }
  return kept;
}
