import type { ComponentChildren, JSX } from "preact";
import { change, useAddress } from "./address.ts";

/** A column of a table that can be sorted by it. */
export interface Column<Row> {
  readonly key: string;
  readonly title: string;
  /** What it is sorted by, largest first; left out for text. */
  readonly by?: (row: Row) => number;
  readonly cell: (row: Row) => ComponentChildren;
  readonly isBad?: (row: Row) => boolean;
}

interface Props<Row> {
  readonly rows: readonly Row[];
  readonly columns: readonly Column<Row>[];
  /** Key of the column that it is sorted by at first. */
  readonly first: string;
  readonly keyOf: (row: Row) => string;
  readonly caption: string;
}

/** A table that is sorted by one of its columns; which one stands in the address. */
export function Sortable<Row>(props: Props<Row>): JSX.Element {
  const { rows, columns, first, keyOf, caption } = props;
  const wanted = useAddress().search.get("by") ?? first;
  const column = columns.find(({ key, by }) => key === wanted && by !== undefined);
  const by = column?.by;
  const sorted = by === undefined ? rows : rows.toSorted((a, b) => by(b) - by(a));
  return (
    <table class="data">
      <caption class="quiet">{caption}</caption>
      <thead>
        <tr>
          {columns.map(({ key, title, by: sorts }) => (
            <th
              key={key}
              scope="col"
              class={sorts === undefined ? "" : "number"}
              aria-sort={key === column?.key ? "descending" : "none"}
            >
              {sorts === undefined ? (
                title
              ) : (
                <button type="button" class="sort" onClick={() => change({ by: key })}>
                  {title}
                  {key === column?.key ? " ↓" : ""}
                </button>
              )}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {sorted.map((row) => (
          <tr key={keyOf(row)}>
            {columns.map(({ key, cell, by: sorts, isBad }) => (
              <td
                key={key}
                class={`${sorts === undefined ? "" : "number"}${isBad?.(row) === true ? " bad" : ""}`}
              >
                {cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
