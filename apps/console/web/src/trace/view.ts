import type { Span } from "../model/span.ts";
import type { Trace } from "../model/trace.ts";
import { Folds } from "./folds.ts";

/** What part of a trace is shown: all of it stands in the address. */
export interface View {
  readonly tab: string;
  readonly selected: Span | undefined;
  readonly folds: Folds;
  readonly fromMs: number;
  readonly toMs: number;
  /** Only what the whole trace waited for. */
  readonly isCritical: boolean;
  /** Text to look for in names, services and attributes. */
  readonly find: string;
}

/** The view that an address names. */
export function viewOf(trace: Trace, search: URLSearchParams): View {
  const id = search.get("span");
  const fromMs = numberOf(search.get("from")) ?? 0;
  const toMs = numberOf(search.get("to")) ?? trace.durationMs;
  const isRange = toMs > fromMs;
  return {
    tab: search.get("tab") ?? "waterfall",
    selected: id === null ? undefined : trace.find(id),
    folds: new Folds(trace, search.get("collapsed") ?? ""),
    fromMs: isRange ? fromMs : 0,
    toMs: isRange ? toMs : trace.durationMs,
    isCritical: search.get("critical") === "1",
    find: search.get("find") ?? "",
  };
}

function numberOf(text: string | null): number | undefined {
  const value = text === null ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : undefined;
}

/**
 * The spans that have a row, in order.
 * @param hits spans with the text that is looked for in what only the collector knows of them
 */
export function rowsOf(
  { spans }: Trace,
  { folds, isCritical, find }: View,
  hits: ReadonlySet<Span>,
): readonly Span[] {
  if (find === "" && !isCritical && folds.isEmpty) return spans;
  const rows: Span[] = [];
  const wanted = find.toLowerCase();
  for (let i = 0; i < spans.length; i++) {
    const span = spans[i] as Span;
    const isFound = wanted === "" || hits.has(span) || has(span, wanted);
    if (isFound && (!isCritical || span.isCritical)) rows.push(span);
    // A search looks into what is collapsed as well.
    if (wanted === "" && folds.has(span)) i += span.below;
  }
  return rows;
}

function has({ name, service, node, failure }: Span, wanted: string): boolean {
  return `${name} ${service} ${node} ${failure ?? ""}`.toLowerCase().includes(wanted);
}
