import type { OpenPage, OpenRow } from "@zeroplane/trace-collector/api";
import type { JSX } from "preact";
import { hueOf } from "../colour.ts";
import { clock, count, duration } from "../words.ts";
import { ageOf } from "./tail.ts";

interface Props {
  readonly open: OpenPage;
  /** Those of them that are looked for. */
  readonly rows: readonly OpenRow[];
  readonly nowMs: number;
}

/** Work that has not ended, and how old it is by now. */
export function OpenSpans({ open, rows, nowMs }: Props): JSX.Element {
  return (
    <section aria-label="Not ended">
      <h2>
        Not ended <span class="quiet">{wordsOf(open, rows.length)}</span>
      </h2>
      {rows.length > 0 && (
        <table class="data live">
          <thead>
            <tr>
              <th scope="col">Span</th>
              <th scope="col">Process</th>
              <th scope="col">State</th>
              <th scope="col" class="number">
                Began
              </th>
              <th scope="col" class="number">
                Age
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={row.traceId + row.spanId} row={row} nowMs={nowMs} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function wordsOf({ open, lost, rows }: OpenPage, shown: number): string {
  const all = open + lost;
  if (all === 0) return "nothing";
  const words = [`${open.toLocaleString()} open`];
  if (lost > 0) words.push(`${lost.toLocaleString()} lost`);
  if (shown < rows.length) words.push(`${count(rows.length - shown, "other")} filtered out`);
  if (rows.length < all) words.push(`the oldest ${rows.length.toLocaleString()} are known here`);
  return words.join(", ");
}

function Row({ row, nowMs }: { readonly row: OpenRow; readonly nowMs: number }): JSX.Element {
  const isLost = row.state === "lost";
  return (
    <tr class={isLost ? "failed" : ""}>
      <td>
        <i class={`dot ${hueOf(row.service)}`} />
        <a href={`/traces/${row.traceId}?span=${row.spanId}`}>
          {row.service} {row.operation}
        </a>
      </td>
      <td class="quiet">{row.node}</td>
      <td>
        {isLost ? (
          <b class="bad" title="Its process is gone: it never ends">
            ✕ lost
          </b>
        ) : (
          <span class="running">open</span>
        )}
      </td>
      <td class="number">{clock(row.startMs)}</td>
      <td class="number">
        {isLost && "≥ "}
        {duration(ageOf(row, nowMs))}
      </td>
    </tr>
  );
}
