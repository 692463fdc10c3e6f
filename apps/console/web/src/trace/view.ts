import type { Span } from "../model/span.ts";
import type { Trace } from "../model/trace.ts";

/** What part of a trace is shown: all of it stands in the address. */
export interface View {
  readonly tab: string;
  readonly selected: Span | undefined;
  /** Ids of spans whose children are hidden. */
  readonly collapsed: ReadonlySet<string>;
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
    selected: id === null ? undefined : trace.spans.find((span) => span.id === id),
    collapsed: new Set(search.get("collapsed")?.split(",") ?? []),
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

/** The spans that have a row, in order. */
export function rowsOf({ spans }: Trace, { collapsed, isCritical, find }: View): Span[] {
  const rows: Span[] = [];
  const wanted = find.toLowerCase();
  for (let i = 0; i < spans.length; i++) {
    const span = spans[i] as Span;
    const fits = (!isCritical || span.critical.length > 0) && (wanted === "" || has(span, wanted));
    if (fits) rows.push(span);
    // A search looks into what is collapsed as well.
    if (wanted === "" && collapsed.has(span.id)) i += span.below;
  }
  return rows;
}

function has({ name, service, node, attributes, failure }: Span, wanted: string): boolean {
  const text = `${name} ${service} ${node} ${failure ?? ""} ${JSON.stringify(attributes)}`;
  return text.toLowerCase().includes(wanted);
}
