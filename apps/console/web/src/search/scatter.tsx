import type { SearchRow } from "@zeroplane/trace-collector/api";
import type { JSX } from "preact";
import { useCallback, useState } from "preact/hooks";
import { go } from "../address.ts";
import { Canvas, type Draw, ink } from "../canvas.tsx";
import { colourOf } from "../colour.ts";
import { duration, time } from "../words.ts";

const HEIGHT_PX = 150;
const isFailed = ({ error, trace }: SearchRow): boolean => error || (trace?.errors ?? 0) > 0;
const MARGIN_PX = 8;
const REACH_PX = 10;
const AXIS_PX = 58;

interface Place {
  readonly x: number;
  readonly y: number;
  readonly of: SearchRow;
}

function placesOf(rows: readonly SearchRow[], width: number): Place[] {
  const times = rows.map((row) => row.trace ?? row);
  const starts = times.map(({ startMs }) => startMs);
  const [first, last] = [Math.min(...starts), Math.max(...starts)];
  const logs = times.map(({ durationMs }) => Math.log(Math.max(durationMs, 0.001)));
  const [low, high] = [Math.min(...logs), Math.max(...logs)];
  const share = (value: number, from: number, to: number): number =>
    to > from ? (value - from) / (to - from) : 0.5;
  return rows.map((of, i) => ({
    x: AXIS_PX + share(starts[i] ?? 0, first, last) * (width - AXIS_PX - MARGIN_PX),
    y: HEIGHT_PX - MARGIN_PX - share(logs[i] ?? 0, low, high) * (HEIGHT_PX - 2 * MARGIN_PX),
    of,
  }));
}

/** Everything found as a point: when it began and how long it took, on a logarithmic scale. */
export function Scatter({ rows }: { readonly rows: readonly SearchRow[] }): JSX.Element {
  const [hovered, setHovered] = useState<SearchRow>();
  const draw = useCallback<Draw>(
    (context, width) => {
      context.font = "11px system-ui, sans-serif";
      context.fillStyle = ink("--quiet");
      const lengths = rows.map((row) => (row.trace ?? row).durationMs);
      const longest = Math.max(...lengths);
      const shortest = Math.min(...lengths);
      context.fillText(duration(longest), 4, MARGIN_PX + 8);
      context.fillText(duration(shortest), 4, HEIGHT_PX - MARGIN_PX);
      for (const { x, y, of } of placesOf(rows, width)) {
        const isHovered = of === hovered;
        context.beginPath();
        context.fillStyle = isFailed(of) ? ink("--bad") : colourOf(of.service);
        // An error is a square, so that it is none by colour alone.
        if (isFailed(of)) context.rect(x - 4, y - 4, 8, 8);
        else context.arc(x, y, isHovered ? 6 : 4, 0, 2 * Math.PI);
        context.fill();
        if (!isHovered) continue;
        context.strokeStyle = ink("--ink");
        context.stroke();
      }
    },
    [rows, hovered],
  );
  const nearest = (event: MouseEvent): SearchRow | undefined => {
    const { left, top, width } = (event.currentTarget as Element).getBoundingClientRect();
    const [x, y] = [event.clientX - left, event.clientY - top];
    const far = placesOf(rows, width)
      .map((place) => ({ place, px: Math.hypot(place.x - x, place.y - y) }))
      .sort((a, b) => a.px - b.px)[0];
    return far !== undefined && far.px <= REACH_PX ? far.place.of : undefined;
  };
  return (
    <figure class="scatter">
      <Canvas
        draw={draw}
        height={HEIGHT_PX}
        label="What was found, by start and duration; the table below has the same"
        onPointerMove={(event) => setHovered(nearest(event))}
        onPointerLeave={() => setHovered(undefined)}
        onClick={(event) => {
          const found = nearest(event);
          if (found !== undefined) go(`/traces/${found.traceId}?span=${found.spanId}`);
        }}
      />
      <figcaption class="quiet">
        {hovered === undefined
          ? "Across when it began, up how long it took. Squares failed."
          : wordsOf(hovered)}
      </figcaption>
    </figure>
  );
}

function wordsOf(row: SearchRow): string {
  const { service, operation } = row;
  const { durationMs, startMs } = row.trace ?? row;
  return `${row.trace?.service ?? service} ${row.trace?.name ?? operation}: ${duration(durationMs)}, ${time(startMs)}`;
}
