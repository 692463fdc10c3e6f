import type { Style } from "./style.ts";
import { pad, padLeft, safe } from "./text.ts";

/** One cell: text, and how it is coloured. */
export type Cell = string | { readonly text: string; readonly paint: (text: string) => string };

const GAP = "  ";
const QUANTITY = /^[\d.,]+( ?[a-zA-Zµ%]+)?$/;

const textOf = (cell: Cell): string =>
  safe(typeof cell === "string" ? cell : cell.text).replace(/\t/g, " ");

/**
 * Aligned columns below their names. Columns of quantities are aligned at the right.
 * @returns lines, the head first
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  style: Style,
): string[] {
  const columns = head.map((name, at) => {
    const texts = rows.map((row) => textOf(row[at] ?? ""));
    const width = Math.max(name.length, ...texts.map((text) => [...text].length));
    const filled = texts.filter((text) => text !== "" && text !== "-");
    const isRight = filled.length > 0 && filled.every((text) => QUANTITY.test(text));
    return { width, isRight };
  });
  const line = (cells: readonly Cell[]): string =>
    columns
      .map(({ width, isRight }, at) => {
        const cell = cells[at] ?? "";
        const text = isRight ? padLeft(textOf(cell), width) : pad(textOf(cell), width);
        return typeof cell === "string" ? text : cell.paint(text);
      })
      .join(GAP)
      .trimEnd();
  return [style.dim(line(head)), ...rows.map(line)];
}
