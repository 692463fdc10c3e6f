import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { change } from "../address.ts";
import { hueOf } from "../colour.ts";
import type { Span } from "../model/span.ts";
import type { Trace } from "../model/trace.ts";
import { duration } from "../words.ts";
import { ALL } from "./folds.ts";
import type { View } from "./view.ts";

const ROW_PX = 26;
/** Rows drawn above and below what can be seen. */
const MARGIN_ROWS = 12;
const TICKS = 5;

interface Props {
  readonly trace: Trace;
  readonly view: View;
  readonly rows: readonly Span[];
}

/** Spans as rows of a tree, with their time beside them. Only what can be seen is drawn. */
export function Waterfall({ trace, view, rows }: Props): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    setHeight(element.clientHeight);
    const watcher = new ResizeObserver(() => setHeight(element.clientHeight));
    watcher.observe(element);
    return () => watcher.disconnect();
  }, []);
  const at = view.selected === undefined ? -1 : rows.indexOf(view.selected);
  useEffect(() => {
    if (box.current !== null && at >= 0) reveal(box.current, at);
  }, [at]);
  const first = Math.max(0, Math.floor(top / ROW_PX) - MARGIN_ROWS);
  const last = Math.min(rows.length, Math.ceil((top + height) / ROW_PX) + MARGIN_ROWS);
  return (
    <div
      class="waterfall"
      role="treegrid"
      aria-label="Spans"
      aria-rowcount={rows.length}
      tabIndex={0}
    >
      <div class="row head" role="row">
        <span role="columnheader">
          <button
            type="button"
            class="fold"
            aria-label="Collapse all"
            title="Collapse all ( [ )"
            onClick={() => change({ collapsed: ALL })}
          >
            ▸
          </button>
          <button
            type="button"
            class="fold"
            aria-label="Expand all"
            title="Expand all ( ] )"
            onClick={() => change({ collapsed: undefined })}
          >
            ▾
          </button>{" "}
          Service and operation
        </span>
        <Axis view={view} />
      </div>
      <div class="rows" ref={box} onScroll={({ currentTarget }) => setTop(currentTarget.scrollTop)}>
        <div class="sheet" style={{ height: `${rows.length * ROW_PX}px` }}>
          <div class="window" style={{ transform: `translateY(${first * ROW_PX}px)` }}>
            {rows.slice(first, last).map((span, i) => (
              <Row key={span.id} span={span} row={first + i} view={view} trace={trace} />
            ))}
          </div>
        </div>
      </div>
    </div>
  );
}

function reveal(box: HTMLElement, row: number): void {
  const y = row * ROW_PX;
  if (y < box.scrollTop) box.scrollTop = y - 3 * ROW_PX;
  else if (y + ROW_PX > box.scrollTop + box.clientHeight) {
    box.scrollTop = y + 4 * ROW_PX - box.clientHeight;
  }
}

function Axis({ view: { fromMs, toMs } }: { readonly view: View }): JSX.Element {
  const ticks = Array.from({ length: TICKS }, (_, i) => i / (TICKS - 1));
  return (
    <span class="axis" role="columnheader" aria-label={`${duration(fromMs)} to ${duration(toMs)}`}>
      {ticks.map((share) => (
        <span key={share} style={{ left: `${share * 100}%` }}>
          {duration(fromMs + share * (toMs - fromMs))}
        </span>
      ))}
    </span>
  );
}

interface RowProps {
  readonly span: Span;
  readonly row: number;
  readonly view: View;
  readonly trace: Trace;
}

function Row({ span, row, view }: RowProps): JSX.Element {
  const isOpen = !view.folds.has(span);
  const isSelected = view.selected === span;
  return (
    <div
      class={`row${isSelected ? " selected" : ""}${span.failure === undefined ? "" : " failed"}`}
      role="row"
      aria-level={span.depth + 1}
      aria-rowindex={row + 1}
      aria-selected={isSelected}
      {...(span.below > 0 && { "aria-expanded": isOpen })}
      onClick={() => change({ span: isSelected ? undefined : span.id })}
    >
      <span class="name" role="gridcell" style={{ paddingLeft: `${span.depth * 14 + 4}px` }}>
        {span.below > 0 ? (
          <button
            type="button"
            class="fold"
            tabIndex={-1}
            aria-label={isOpen ? "Collapse" : "Expand"}
            onClick={(event) => {
              event.stopPropagation();
              change({ collapsed: view.folds.toggled(span) });
            }}
          >
            {isOpen ? "▾" : "▸"}
          </button>
        ) : (
          <span class="fold" />
        )}
        <i class={`dot ${hueOf(span.service)}`} />
        <span class="text" title={`${span.service} ${span.name}`}>
          {span.failure !== undefined && (
            <b class="mark" title={span.failure}>
              ✕{" "}
            </b>
          )}
          <b>{span.service}</b> {span.name}
        </span>
        {!isOpen && <span class="quiet"> +{span.below}</span>}
      </span>
      <Bar span={span} view={view} />
    </div>
  );
}

function Bar({ span, view }: { readonly span: Span; readonly view: View }): JSX.Element {
  const { fromMs, toMs } = view;
  const share = (ms: number): number => ((ms - fromMs) / (toMs - fromMs)) * 100;
  const [left, right] = [share(span.startMs), share(span.endMs)];
  const place = left > 70 ? "before" : right > 91 ? "within" : "after";
  return (
    <span class="bars" role="gridcell" aria-label={`${duration(span.durationMs)}`}>
      <span
        class={`bar ${hueOf(span.service)}`}
        style={{ left: `${left}%`, width: `max(2px, ${right - left}%)` }}
      />
      {span.critical.map((part) => (
        <span
          key={part.fromMs}
          class="critical"
          style={{
            left: `${share(part.fromMs)}%`,
            width: `max(1px, ${share(part.toMs) - share(part.fromMs)}%)`,
          }}
        />
      ))}
      <span
        class={`ms ${place}`}
        style={
          place === "after"
            ? { left: `${Math.max(0, right)}%` }
            : { right: `${place === "before" ? 100 - left : Math.max(0, 100 - right)}%` }
        }
      >
        {duration(span.durationMs)}
      </span>
    </span>
  );
}
