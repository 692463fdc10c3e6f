import type { Placed } from "./layers.ts";

/** Size of a service's box. */
export const BOX_PX = { width: 160, height: 44 };
const STEP_PX = { x: 320, y: 96 };
const MARGIN_PX = 24;
/** How far a line that goes back, or stays in its column, leaves it. */
const BOW_PX = 56;
/** Between lines of the same two services. */
const BESIDE_PX = 13;

/** A place in the drawing. */
interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where the box of a service begins. */
export const cornerOf = ({ column, row }: Placed): Point => ({
  x: MARGIN_PX + column * STEP_PX.x,
  y: MARGIN_PX + row * STEP_PX.y,
});

/** Size of a drawing of these boxes. */
export function sizeOf(placed: readonly Placed[]): {
  readonly width: number;
  readonly height: number;
} {
  const columns = Math.max(0, ...placed.map(({ column }) => column));
  const rows = Math.max(0, ...placed.map(({ row }) => row));
  return {
    width: columns * STEP_PX.x + BOX_PX.width + 2 * MARGIN_PX + 2 * BOW_PX,
    height: rows * STEP_PX.y + BOX_PX.height + MARGIN_PX + BOW_PX / 2,
  };
}

/** A curve, where its words end and where it does. */
interface Line {
  readonly path: string;
  readonly label: Point;
  readonly end: Point;
}

/** A line from a box to another, or back to the same, and where its words are. @param beside which of the lines between them */
export function lineOf(from: Placed, to: Placed, beside: number): Line {
  const [a, b] = [cornerOf(from), cornerOf(to)];
  const shift = beside * BESIDE_PX;
  if (to.column > from.column) {
    const start = { x: a.x + BOX_PX.width, y: a.y + BOX_PX.height / 2 + shift };
    const end = { x: b.x - 7, y: b.y + BOX_PX.height / 2 + shift };
    const half = (end.x - start.x) / 2;
    // Near its end, where no other line is.
    const label = { x: end.x - 10, y: end.y - 7 };
    const middle = [
      { x: start.x + half, y: start.y },
      { x: end.x - half, y: end.y },
    ] as const;
    return curve(start, middle, end, label);
  }
  // Whoever stays in the column, or comes back, is reached from the right or from below.
  if (to.column === from.column) {
    const right = a.x + BOX_PX.width;
    const isSelf = from === to;
    const start = { x: right, y: a.y + (isSelf ? 10 : BOX_PX.height / 2) + shift };
    const end = { x: right + 7, y: b.y + (isSelf ? BOX_PX.height - 8 : BOX_PX.height / 2) + shift };
    const bow = right + BOW_PX + shift;
    const label = { x: bow + 24, y: (start.y + end.y) / 2 + 4 };
    return curve(
      start,
      [
        { x: bow, y: start.y },
        { x: bow, y: end.y },
      ],
      end,
      label,
    );
  }
  const start = { x: a.x + BOX_PX.width / 2 + shift, y: a.y + BOX_PX.height };
  const end = { x: b.x + BOX_PX.width / 2 + shift, y: b.y + BOX_PX.height + 7 };
  const low = Math.max(start.y, end.y) + BOW_PX / 2;
  // Where it begins: several may end at the same box.
  const label = { x: start.x - 8, y: start.y + 14 };
  return curve(
    start,
    [
      { x: start.x, y: low },
      { x: end.x, y: low },
    ],
    end,
    label,
  );
}

function curve(a: Point, [b, c]: readonly [Point, Point], d: Point, label: Point): Line {
  const path = `M ${a.x} ${a.y} C ${b.x} ${b.y}, ${c.x} ${c.y}, ${d.x} ${d.y}`;
  return { path, label, end: d };
}
