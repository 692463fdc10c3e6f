import type { JSX } from "preact";
import { useCallback, useMemo, useState } from "preact/hooks";
import { change } from "../address.ts";
import { Canvas, type Draw, ink } from "../canvas.tsx";
import { colourOf } from "../colour.ts";
import type { Span } from "../model/span.ts";
import type { Trace } from "../model/trace.ts";
import { count, duration } from "../words.ts";

const ROW_PX = 19;
const HEIGHT_PX_MAX = 3_000;

/** Spans of one path, together. */
interface Frame {
  readonly name: string;
  readonly service: string;
  readonly depth: number;
  readonly spans: Span[];
  readonly children: Map<string, Frame>;
  selfMs: number;
  totalMs: number;
  startMs: number;
}

/** Merges spans with the same operations above them; a frame is as wide as the self time in it. */
function framesOf({ spans }: Trace): { root: Frame; depth: number } {
  const root = frameOf("", "", -1);
  const frames: Frame[] = [];
  const made: Frame[] = [];
  let depth = 0;
  for (const span of spans) {
    const above = frames[span.parent] ?? root;
    const key = `${span.service}\0${span.name}`;
    let frame = above.children.get(key);
    if (frame === undefined) {
      frame = frameOf(span.name, span.service, above.depth + 1);
      above.children.set(key, frame);
      made.push(frame);
    }
    frame.spans.push(span);
    frame.selfMs += span.selfMs;
    frames.push(frame);
    depth = Math.max(depth, frame.depth + 1);
  }
  // A parent's frame is made before its children's, so that sums go up from the last.
  for (const frame of made.reverse()) sum(frame);
  sum(root);
  layOut(root);
  return { root, depth };
}

const frameOf = (name: string, service: string, depth: number): Frame => ({
  name,
  service,
  depth,
  spans: [],
  children: new Map(),
  selfMs: 0,
  totalMs: 0,
  startMs: 0,
});

function sum(frame: Frame): void {
  frame.totalMs = frame.selfMs;
  for (const child of frame.children.values()) frame.totalMs += child.totalMs;
}

function layOut(root: Frame): void {
  const stack = [root];
  for (let frame = stack.pop(); frame !== undefined; frame = stack.pop()) {
    let at = frame.startMs;
    const widestFirst = [...frame.children.values()].sort((a, b) => b.totalMs - a.totalMs);
    for (const child of widestFirst) {
      child.startMs = at;
      at += child.totalMs;
      stack.push(child);
    }
  }
}

function* walk(root: Frame): Generator<Frame> {
  const stack = [...root.children.values()];
  for (let frame = stack.pop(); frame !== undefined; frame = stack.pop()) {
    yield frame;
    stack.push(...frame.children.values());
  }
}

/** As much of a frame's name as has room. */
function fitting(context: CanvasRenderingContext2D, frame: Frame, width: number): string {
  const text = `${frame.service} ${frame.name}`;
  const whole = context.measureText(text).width;
  if (whole <= width) return text;
  const room = Math.floor((text.length * width) / whole) - 1;
  return room < 2 ? "" : `${text.slice(0, room)}…`;
}

/** Where the time of a trace went: same operations below the same operations as one frame. */
export function Flame({ trace }: { readonly trace: Trace }): JSX.Element {
  const { root, depth } = useMemo(() => framesOf(trace), [trace]);
  const [hovered, setHovered] = useState<Frame>();
  const height = Math.min(HEIGHT_PX_MAX, depth * ROW_PX);
  const draw = useCallback<Draw>(
    (context, width) => {
      const scale = width / (root.totalMs || 1);
      context.font = "11px system-ui, sans-serif";
      context.textBaseline = "middle";
      for (const frame of walk(root)) {
        const frameWidth = frame.totalMs * scale;
        if (frameWidth < 1) continue;
        const [x, y] = [frame.startMs * scale, frame.depth * ROW_PX];
        context.globalAlpha = frame === hovered ? 1 : 0.75;
        context.fillStyle = colourOf(frame.service);
        context.fillRect(x, y, Math.max(1, frameWidth - 1), ROW_PX - 1);
        if (frameWidth < 30) continue;
        context.globalAlpha = 1;
        context.fillStyle = ink("--on-colour");
        context.fillText(fitting(context, frame, frameWidth - 8), x + 4, y + ROW_PX / 2);
      }
      context.globalAlpha = 1;
    },
    [root, hovered],
  );
  const frameAt = (event: PointerEvent | MouseEvent): Frame | undefined => {
    const { left, top, width } = (event.currentTarget as Element).getBoundingClientRect();
    const ms = ((event.clientX - left) / width) * root.totalMs;
    const row = Math.floor((event.clientY - top) / ROW_PX);
    for (const frame of walk(root)) {
      const isIn = ms >= frame.startMs && ms < frame.startMs + frame.totalMs;
      if (frame.depth === row && isIn) return frame;
    }
    return undefined;
  };
  return (
    <div class="flame">
      <p class="quiet" aria-live="off">
        {hovered === undefined
          ? "As wide as the time that was spent there and below. Choose one to see its first span."
          : `${hovered.service} ${hovered.name}: ${count(hovered.spans.length, "span")}, ${duration(hovered.totalMs)}, of it ${duration(hovered.selfMs)} itself`}
      </p>
      <Canvas
        draw={draw}
        height={height}
        label={`Flame graph of ${count(trace.spans.length, "span")}`}
        onPointerMove={(event) => setHovered(frameAt(event))}
        onPointerLeave={() => setHovered(undefined)}
        onClick={(event) => {
          const span = frameAt(event)?.spans[0];
          if (span !== undefined) change({ span: span.id });
        }}
      />
    </div>
  );
}
