import { change } from "../address.ts";
import type { KeyList } from "../keys.tsx";
import type { Span } from "../model/span.ts";
import type { Trace } from "../model/trace.ts";
import { ALL } from "./folds.ts";
import { rowsOf, type View, viewOf } from "./view.ts";

/** What keys work on. */
interface Shown {
  readonly trace: Trace;
  readonly view: View;
  readonly hits: ReadonlySet<Span>;
}

/** Every key of the trace page, with what it does. */
export const KEYS: KeyList = [
  ["j k", "next, previous span"],
  ["h l", "collapse, expand"],
  ["[ ]", "collapse, expand all"],
  ["e", "next error"],
  ["c", "critical path only"],
  ["z 0", "zoom to the span, show all"],
  ["t g", "traceback, logs"],
  ["/", "find"],
  ["y", "copy a link to this view"],
  ["?", "these keys"],
];

/**
 * Does what a key means, to the view that the address names now: keys may come faster than pages
 * are drawn.
 * @returns false when it means nothing
 */
export function press(key: string, trace: Trace, hits: ReadonlySet<Span>): boolean {
  const action = ACTIONS[key];
  if (action === undefined) return false;
  action({ trace, hits, view: viewOf(trace, new URLSearchParams(location.search)) });
  return true;
}

const ACTIONS: Readonly<Record<string, (shown: Shown) => void>> = {
  j: (shown) => step(shown, 1),
  k: (shown) => step(shown, -1),
  ArrowDown: (shown) => step(shown, 1),
  ArrowUp: (shown) => step(shown, -1),
  h: (shown) => fold(shown, true),
  l: (shown) => fold(shown, false),
  ArrowLeft: (shown) => fold(shown, true),
  ArrowRight: (shown) => fold(shown, false),
  "[": () => change({ collapsed: ALL }),
  "]": () => change({ collapsed: undefined }),
  e: ({ trace, view }) => {
    const failed = trace.spans.filter(({ failure }) => failure !== undefined);
    const next = failed.find(({ index }) => index > (view.selected?.index ?? -1)) ?? failed[0];
    if (next !== undefined) change({ span: next.id, collapsed: view.folds.showing(trace, next) });
  },
  c: ({ view }) => change({ critical: view.isCritical ? undefined : "1" }),
  z: ({ view: { selected } }) => {
    if (selected === undefined) return;
    const margin = selected.durationMs * 0.05;
    const [from, to] = [selected.startMs - margin, selected.endMs + margin];
    change({ from: Math.max(0, from).toFixed(4), to: to.toFixed(4) });
  },
  "0": () => change({ from: undefined, to: undefined }),
  t: () => change({ tab: "traceback" }),
  g: () => change({ tab: "logs" }),
  y: () => void navigator.clipboard?.writeText(location.href),
};

function step({ trace, view, hits }: Shown, by: number): void {
  const rows = rowsOf(trace, view, hits);
  const at = view.selected === undefined ? -1 : rows.indexOf(view.selected);
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
  if (next !== undefined) change({ span: next.id });
}

function fold({ trace, view: { selected, folds } }: Shown, close: boolean): void {
  if (selected === undefined) return;
  if (selected.below > 0 && folds.has(selected) !== close) {
    change({ collapsed: folds.toggled(selected) });
  } else if (close) {
    const parent = trace.spans[selected.parent];
    if (parent !== undefined) change({ span: parent.id });
  }
}
