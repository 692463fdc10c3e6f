import type { SpanView, Trace } from "@zeroplane/trace-collector";
import type { Style } from "./style.ts";
import { clip, pad, padLeft, safe } from "./text.ts";
import { formatMs } from "./units.ts";

/** Most spans that are drawn. */
export const SPANS_MAX = 2_000;

const BAR_WIDTH = 24;
const NAME_MAX = 56;

interface Row {
  readonly span: SpanView;
  /** Branches before the name. */
  readonly branch: string;
}

/** A trace as a tree: each span below the one that caused it, with a bar of when it ran. */
export function traceTree({ traceId, spans }: Trace, style: Style): string[] {
  const rows = toRows(spans);
  const shown = rows.slice(0, SPANS_MAX);
  const startMs = Math.min(...spans.map((span) => span.startMs));
  const endMs = Math.max(...spans.map((span) => span.startMs + span.durationMs));
  const names = shown.map(({ span, branch }) => clip(branch + safe(span.name), NAME_MAX));
  const width = Math.max(0, ...names.map((name) => [...name].length));
  const nodes = shown.map(({ span }) => placeOf(span));
  const nodeWidth = Math.max(0, ...nodes.map((node) => [...node].length));
  const lines = shown.flatMap(({ span, branch }, at) => {
    const name = pad(names[at] ?? "", width);
    const bar = barOf(span, { startMs, endMs });
    const failed = span.error !== undefined;
    const texts = [
      failed ? style.bad(name) : name,
      style.dim(pad(nodes[at] ?? "", nodeWidth)),
      padLeft(formatMs(span.durationMs), 10),
      failed ? style.bad(bar) : style.accent(bar),
    ];
    return [texts.join("  ").trimEnd(), ...errorLine(span, branch, style)];
  });
  const services = new Set(spans.map(({ service }) => service)).size;
  const total = spans.length === 0 ? 0 : endMs - startMs;
  const head = `trace ${safe(traceId)}  ${spans.length} spans  ${services} services  ${formatMs(total)}`;
  const more = rows.length > SPANS_MAX ? [`… ${rows.length - SPANS_MAX} more spans`] : [];
  return [style.bold(head), ...lines, ...more];
}

const placeOf = ({ service, node }: SpanView): string =>
  safe(node === service || node === "" ? service : `${service} ${node}`);

function errorLine({ error }: SpanView, branch: string, style: Style): string[] {
  if (error === undefined) return [];
  const { type = "error", message } = error;
  const indent = branch.replace(/[├└]/g, (mark) => (mark === "├" ? "│" : " ")).replace(/─/g, " ");
  return [`${indent}${style.bad(`✗ ${safe(type)}: ${safe(message)}`)}`];
}

/** Depth first, in order of time. A span whose parent is not there, or is below it, is a root. */
function toRows(spans: readonly SpanView[]): Row[] {
  const known = new Set(spans.map(({ spanId }) => spanId));
  const children = Map.groupBy(spans, ({ parentId }) =>
    parentId !== undefined && known.has(parentId) ? parentId : "",
  );
  const drawn = new Set<SpanView>();
  const rows: Row[] = [];
  const draw = (root: SpanView): void => {
    const waiting = [{ span: root, branch: "", below: "" }];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const { span, branch, below } = next;
      if (drawn.has(span)) continue;
      drawn.add(span);
      rows.push({ span, branch });
      const inner = (children.get(span.spanId) ?? []).toSorted(byStart);
      for (const [at, child] of [...inner.entries()].toReversed()) {
        const isLast = at === inner.length - 1;
        const branches = `${below}${isLast ? "└─ " : "├─ "}`;
        waiting.push({ span: child, branch: branches, below: below + (isLast ? "   " : "│  ") });
      }
    }
  };
  for (const root of (children.get("") ?? []).toSorted(byStart)) draw(root);
  for (const span of spans.toSorted(byStart)) if (!drawn.has(span)) draw(span);
  return rows;
}

const byStart = (a: SpanView, b: SpanView): number => a.startMs - b.startMs;

function barOf(
  { startMs, durationMs }: SpanView,
  whole: { readonly startMs: number; readonly endMs: number },
): string {
  const total = Math.max(whole.endMs - whole.startMs, Number.EPSILON);
  const first = Math.min(
    BAR_WIDTH - 1,
    Math.floor(((startMs - whole.startMs) / total) * BAR_WIDTH),
  );
  const length = Math.max(1, Math.round((durationMs / total) * BAR_WIDTH));
  return " ".repeat(first) + "━".repeat(Math.min(length, BAR_WIDTH - first));
}
