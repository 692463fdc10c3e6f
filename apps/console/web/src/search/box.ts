import type { Heatmap, TimeBox } from "@zeroplane/trace-collector/api";

/** The box that an address names as `box=fromMs,toMs,minMs,maxMs`. */
export function boxOf(search: URLSearchParams): TimeBox | undefined {
  const numbers = (search.get("box") ?? "").split(",").map((text) => Number.parseFloat(text));
  const [fromMs, toMs, minMs, maxMs] = numbers;
  if (fromMs === undefined || toMs === undefined) return undefined;
  if (minMs === undefined || maxMs === undefined || !numbers.every(Number.isFinite))
    return undefined;
  return { fromMs, toMs, minMs, maxMs };
}

/** The box as an address has it. */
export const textOfBox = ({ fromMs, toMs, minMs, maxMs }: TimeBox): string =>
  [fromMs.toFixed(3), toMs.toFixed(3), minMs.toPrecision(8), maxMs.toPrecision(8)]
    .map(Number)
    .join();

/** A heatmap's place on a canvas: time goes across, the logarithm of the duration up. */
export class Grid {
  readonly rowShare: number;
  readonly #map: Heatmap;
  readonly #low: number;
  readonly #high: number;

  constructor(map: Heatmap) {
    this.#map = map;
    const [first] = map.cells;
    // An empty row above and below, so that a box can go round what lies at the edge.
    const row = first === undefined ? 0.5 : Math.log2(first.maxMs / first.minMs);
    const lows = map.cells.map(({ minMs }) => Math.log2(minMs));
    const highs = map.cells.map(({ maxMs }) => Math.log2(maxMs));
    this.#low = Math.min(...lows) - row;
    this.#high = Math.max(...highs) + row;
    this.rowShare = row / (this.#high - this.#low);
  }

  /** From 0 at the left to 1. */
  x(atMs: number): number {
    return (atMs - this.#map.fromMs) / (this.#map.columnMs * this.#map.columns);
  }

  /** From 0 at the bottom to 1. */
  y(durationMs: number): number {
    return (Math.log2(Math.max(durationMs, 1e-9)) - this.#low) / (this.#high - this.#low);
  }

  /** The box between two points. */
  box(a: Point, b: Point): TimeBox {
    const { fromMs, columnMs, columns } = this.#map;
    const at = (x: number): number => fromMs + x * columnMs * columns;
    const took = (y: number): number => 2 ** (this.#low + y * (this.#high - this.#low));
    return {
      fromMs: at(Math.min(a.x, b.x)),
      toMs: at(Math.max(a.x, b.x)),
      minMs: took(Math.min(a.y, b.y)),
      maxMs: took(Math.max(a.y, b.y)),
    };
  }

  /** What a key makes of a box: arrows move it by a cell, with shift its far corner. `undefined`: nothing. */
  moved(box: TimeBox | undefined, key: string, isFar: boolean): TimeBox | undefined {
    const step = STEPS[key];
    if (step === undefined) return undefined;
    // The slowest quarter is what most want to know about.
    if (box === undefined) return this.box({ x: 0, y: 0.75 }, { x: 1, y: 1 });
    const columns = this.#map.columns;
    const by = { x: step.x / columns, y: step.y * this.rowShare };
    const near = { x: this.x(box.fromMs), y: this.y(box.minMs) };
    const far = { x: this.x(box.toMs) + by.x, y: this.y(box.maxMs) + by.y };
    if (!isFar) return this.box({ x: near.x + by.x, y: near.y + by.y }, far);
    return this.box(near, { x: Math.max(far.x, near.x), y: Math.max(far.y, near.y) });
  }
}

/** A place on the grid, as shares. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

const STEPS: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: 1 },
  ArrowDown: { x: 0, y: -1 },
};
