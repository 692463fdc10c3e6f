import type { JSX } from "preact";
import { useCallback, useRef } from "preact/hooks";
import { change } from "../address.ts";
import { Canvas, type Draw, ink, shareAt } from "../canvas.tsx";
import { colourOf } from "../colour.ts";
import type { Trace } from "../model/trace.ts";
import type { View } from "./view.ts";

const HEIGHT_PX = 56;
/** A drag shorter than this is a click. */
const DRAG_SHARE_MIN = 0.005;

/** Of spans narrower than this one a pixel is drawn. */
const NARROW_PX = 3;

/** Tells for each place whether something was drawn at its pixel before. */
function onceAPixel(width: number, height: number): (x: number, y: number) => boolean {
  const columns = Math.ceil(width) + 1;
  const drawn = new Uint8Array(columns * (Math.ceil(height) + 1));
  return (x, y) => {
    const at = Math.floor(y) * columns + Math.floor(x);
    const before = drawn[at] === 1;
    drawn[at] = 1;
    return before;
  };
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
      const { spans, durationMs } = trace;
      const scale = width / (durationMs || 1);
      const rowPx = Math.max(1, Math.min(4, height / spans.length));
      const isDrawn = onceAPixel(width, height);
      for (const { service, index, startMs, endMs } of spans) {
        const [x, spanPx] = [startMs * scale, Math.max(1, (endMs - startMs) * scale)];
        const y = (index / spans.length) * (height - rowPx);
        if (spanPx < NARROW_PX && isDrawn(x, y)) continue;
        context.fillStyle = colourOf(service);
        context.fillRect(x, y, spanPx, rowPx);
      }
      context.fillStyle = ink("--bad");
      for (const { failure, startMs } of spans) {
        if (failure !== undefined) context.fillRect(startMs * scale, height - 6, 2, 6);
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
