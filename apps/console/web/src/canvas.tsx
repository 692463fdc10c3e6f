import type { CanvasHTMLAttributes, JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** Draws on `context`, in CSS pixels. */
export type Draw = (context: CanvasRenderingContext2D, width: number, height: number) => void;

interface Props extends Omit<CanvasHTMLAttributes<HTMLCanvasElement>, "height"> {
  readonly draw: Draw;
  /** CSS pixels. */
  readonly height: number;
  readonly label: string;
}

/** A canvas as wide as its place, drawn again when that or `draw` changes. */
export function Canvas({ draw, height, label, ...rest }: Props): JSX.Element {
  const element = useRef<HTMLCanvasElement>(null);
  // Before the page is shown, so that it never is without.
  useLayoutEffect(() => {
    const canvas = element.current;
    if (canvas === null) return undefined;
    let painted = "";
    const paint = (): void => {
      const { clientWidth: width } = canvas;
      const scale = devicePixelRatio;
      if (painted === `${width} ${scale}`) return;
      painted = `${width} ${scale}`;
      canvas.width = width * scale;
      canvas.height = height * scale;
      const context = canvas.getContext("2d");
      if (context === null) return;
      context.scale(scale, scale);
      draw(context, width, height);
    };
    paint();
    const watcher = new ResizeObserver(paint);
    watcher.observe(canvas);
    return () => watcher.disconnect();
  }, [draw, height]);
  return (
    <canvas
      {...rest}
      ref={element}
      role="img"
      aria-label={label}
      style={{ height: `${height}px` }}
    />
  );
}

/** Where a pointer is, as a share of an element's width. */
export const shareAt = (event: {
  readonly clientX: number;
  readonly currentTarget: Element;
}): number => {
  const { left, width } = event.currentTarget.getBoundingClientRect();
  return Math.min(1, Math.max(0, (event.clientX - left) / width));
};

/** A colour of the page. */
export const ink = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(name);
