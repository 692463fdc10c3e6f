import type { Heatmap, TimeBox } from "@zeroplane/trace-collector/api";
import type { JSX } from "preact";
import { useCallback, useMemo, useRef, useState } from "preact/hooks";
import { change } from "../address.ts";
import { Canvas, type Draw, ink } from "../canvas.tsx";
import { count, duration, time } from "../words.ts";
import { Grid, type Point, textOfBox } from "./box.ts";

const HEIGHT_PX = 190;
/** A drag shorter than this is a click. */
const DRAG_SHARE_MIN = 0.004;
const HELP =
  "Across when spans began, up how long they took. Drag a box to see what sets them apart; or arrow keys, with shift for its size.";

interface Props {
  readonly map: Heatmap;
  readonly box: TimeBox | undefined;
}

/** Spans by time and duration; a box drawn on it is explained. */
export function Heat({ map, box }: Props): JSX.Element {
  const grid = useMemo(() => new Grid(map), [map]);
  const from = useRef<Point>(undefined);
  const [dragged, setDragged] = useState<TimeBox>();
  const [hovered, setHovered] = useState<Point>();
  const shown = dragged ?? box;
  const draw = useCallback<Draw>(
    (context, width, height) => {
      drawCells(context, { map, grid, width, height });
      drawAxis(context, { map, grid, width, height });
      if (shown !== undefined) drawBox(context, { box: shown, grid, width, height });
    },
    [map, grid, shown],
  );
  const select = (point: Point): void => {
    const start = from.current;
    from.current = undefined;
    setDragged(undefined);
    if (start === undefined) return;
    const isClick = Math.hypot(point.x - start.x, point.y - start.y) < DRAG_SHARE_MIN;
    change({ box: isClick ? undefined : textOfBox(grid.box(start, point)) });
  };
  const onKey = (event: KeyboardEvent): void => {
    const moved = grid.moved(box, event.key, event.shiftKey);
    if (moved === undefined && event.key !== "Escape") return;
    event.preventDefault();
    change({ box: moved === undefined ? undefined : textOfBox(moved) });
  };
  const spans = map.cells.reduce((sum, cell) => sum + cell.spans, 0);
  return (
    <figure class="heat">
      <Canvas
        draw={draw}
        height={HEIGHT_PX}
        tabIndex={0}
        label={`${count(spans, "span")} by time and duration. ${HELP}`}
        onKeyDown={onKey}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          from.current = pointOf(event);
        }}
        onPointerMove={(event) => {
          const point = pointOf(event);
          setHovered(point);
          if (from.current !== undefined) setDragged(grid.box(from.current, point));
        }}
        onPointerUp={(event) => select(pointOf(event))}
        onPointerLeave={() => setHovered(undefined)}
      />
      <figcaption class="quiet">
        {hovered === undefined ? HELP : wordsOf(map, grid, hovered)}
      </figcaption>
    </figure>
  );
}

function pointOf(event: PointerEvent): Point {
  const { left, top, width, height } = (event.currentTarget as Element).getBoundingClientRect();
  const share = (value: number): number => Math.min(1, Math.max(0, value));
  return {
    x: share((event.clientX - left) / width),
    y: 1 - share((event.clientY - top) / height),
  };
}

function wordsOf(map: Heatmap, grid: Grid, point: Point): string {
  const { fromMs: atMs, minMs: ms } = grid.box(point, point);
  const at = Math.floor((atMs - map.fromMs) / map.columnMs);
  const cell = map.cells.find((each) => each.at === at && each.minMs <= ms && ms < each.maxMs);
  const failed = cell !== undefined && cell.errors > 0 ? `, ${cell.errors} failed` : "";
  return `${time(atMs)}, ${duration(ms)}: ${count(cell?.spans ?? 0, "span")}${failed}`;
}

interface Place {
  readonly map: Heatmap;
  readonly grid: Grid;
  readonly width: number;
  readonly height: number;
}

function drawCells(context: CanvasRenderingContext2D, { map, grid, width, height }: Place): void {
  const most = Math.log1p(Math.max(...map.cells.map(({ spans }) => spans)));
  const [accent, bad] = [ink("--accent"), ink("--bad")];
  const cellWidth = Math.max(1, width / map.columns - 0.5);
  for (const { at, minMs, maxMs, spans, errors } of map.cells) {
    const x = (at / map.columns) * width;
    const [bottom, top] = [(1 - grid.y(minMs)) * height, (1 - grid.y(maxMs)) * height];
    context.globalAlpha = 0.2 + 0.8 * (Math.log1p(spans) / most);
    context.fillStyle = accent;
    context.fillRect(x, top, cellWidth, Math.max(1, bottom - top - 0.5));
    if (errors === 0) continue;
    // Errors stand in the cell as high as their share, and at least to be seen.
    const high = Math.max(3, (bottom - top - 0.5) * (errors / spans));
    context.globalAlpha = 1;
    context.fillStyle = bad;
    context.fillRect(x, bottom - high - 0.5, cellWidth, high);
  }
  context.globalAlpha = 1;
}

const DECADES_MS = [0.001, 0.01, 0.1, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

function drawAxis(context: CanvasRenderingContext2D, { map, grid, width, height }: Place): void {
  context.font = "11px system-ui, sans-serif";
  context.fillStyle = ink("--quiet");
  context.strokeStyle = ink("--line");
  context.textBaseline = "bottom";
  for (const ms of DECADES_MS) {
    const y = (1 - grid.y(ms)) * height;
    if (y < 12 || y > height) continue;
    context.fillText(duration(ms).replace(/\.0+(?= )/, ""), 4, y);
    context.beginPath();
    context.moveTo(0, y);
    context.lineTo(width, y);
    context.stroke();
  }
  const clock = (ms: number): string => new Date(ms).toLocaleTimeString();
  context.textBaseline = "top";
  context.textAlign = "left";
  context.fillText(clock(map.fromMs), 60, 2);
  context.textAlign = "right";
  context.fillText(clock(map.fromMs + map.columns * map.columnMs), width - 4, 2);
  context.textAlign = "left";
}

function drawBox(
  context: CanvasRenderingContext2D,
  { box, grid, width, height }: Omit<Place, "map"> & { readonly box: TimeBox },
): void {
  const [left, right] = [grid.x(box.fromMs) * width, grid.x(box.toMs) * width];
  const [top, bottom] = [(1 - grid.y(box.maxMs)) * height, (1 - grid.y(box.minMs)) * height];
  context.fillStyle = ink("--shade");
  context.fillRect(0, 0, width, top);
  context.fillRect(0, bottom, width, height - bottom);
  context.fillRect(0, top, left, bottom - top);
  context.fillRect(right, top, width - right, bottom - top);
  context.strokeStyle = ink("--ink");
  context.strokeRect(
    left + 0.5,
    top + 0.5,
    Math.max(1, right - left - 1),
    Math.max(1, bottom - top - 1),
  );
}
