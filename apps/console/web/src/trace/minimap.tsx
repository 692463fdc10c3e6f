import type { JSX } from "preact";
import { useCallback, useRef } from "preact/hooks";
import { change } from "../address.ts";
import { Canvas, type Draw, ink, shareAt } from "../canvas.tsx";
import { pixelsOf } from "../colour.ts";
import type { Trace } from "../model/trace.ts";
import type { View } from "./view.ts";

const HEIGHT_PX = 56;
/** A drag shorter than this is a click. */
const DRAG_SHARE_MIN = 0.005;

/** Row of a span, CSS pixels, when there are few. */
const ROW_PX_MAX = 4;

/** Colours the pixels of every span: to ask a canvas for as many rectangles takes ten times as long. */
function drawSpans({ columns }: Trace, { data, width, height }: ImageData, cssPx: number): void {
  const { skeleton, tree } = columns;
  const { order, startMs, endMs } = tree;
  const colours = pixelsOf(skeleton.operations.map(({ service }) => service));
  const pixels = new Uint32Array(data.buffer);
  const scale = width / (maxOf(endMs) || 1);
  const rowPx = Math.max(
    1,
    Math.min(Math.round(ROW_PX_MAX / cssPx), Math.floor(height / order.length)),
  );
  for (let i = 0; i < order.length; i++) {
    const colour = colours[skeleton.operation[order[i] as number] as number] as number;
    const from = Math.min(width - 1, Math.floor((startMs[i] as number) * scale));
    const to = Math.max(from + 1, Math.min(width, Math.round((endMs[i] as number) * scale)));
    const top = Math.floor((i / order.length) * (height - rowPx));
    for (let y = top; y < top + rowPx; y++) pixels.fill(colour, y * width + from, y * width + to);
  }
}

function maxOf(values: Float64Array): number {
  let max = 0;
  for (let i = 0; i < values.length; i++) max = Math.max(max, values[i] as number);
  return max;
}

/** The whole trace in small: drag over a part of it to see only that. */
export function Minimap({
  trace,
  view,
}: {
  readonly trace: Trace;
  readonly view: View;
}): JSX.Element {
  const from = useRef<number>(undefined);
  const draw = useCallback<Draw>(
    (context, width, height) => {
      const { spans, durationMs, errors } = trace;
      const scale = width / (durationMs || 1);
      const { canvas } = context;
      if (canvas.width * canvas.height === 0) return;
      const image = context.createImageData(canvas.width, canvas.height);
      drawSpans(trace, image, HEIGHT_PX / canvas.height);
      context.putImageData(image, 0, 0);
      context.fillStyle = ink("--bad");
      for (const span of errors === 0 ? [] : spans) {
        if (span.failure !== undefined) context.fillRect(span.startMs * scale, height - 6, 2, 6);
      }
      context.fillStyle = ink("--shade");
      context.fillRect(0, 0, view.fromMs * scale, height);
      context.fillRect(view.toMs * scale, 0, width, height);
    },
    [trace, view.fromMs, view.toMs],
  );
  const select = (to: number): void => {
    const start = from.current;
    from.current = undefined;
    if (start === undefined || Math.abs(to - start) < DRAG_SHARE_MIN) return;
    const [a, b] = [Math.min(start, to), Math.max(start, to)].map((share) =>
      (share * trace.durationMs).toFixed(4),
    );
    change({ from: a, to: b });
  };
  return (
    <Canvas
      class="minimap"
      draw={draw}
      height={HEIGHT_PX}
      label="The whole trace; drag to zoom, double-click to show all"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        from.current = shareAt(event);
      }}
      onPointerUp={(event) => select(shareAt(event))}
      onDblClick={() => change({ from: undefined, to: undefined })}
    />
  );
}
