import type { SearchRow } from "@zeroplane/trace-collector/api";
import type { JSX } from "preact";
import { hueOf } from "../colour.ts";
import { clock, count, duration } from "../words.ts";
import type { Tail } from "./tail.ts";

interface Props {
  readonly tail: Tail;
  /** Those of them that are looked for. */
  readonly rows: readonly SearchRow[];
}

/** Spans that ended a moment ago, the newest first. */
export function EndedSpans({ tail, rows }: Props): JSX.Element {
  return (
    <section aria-label="Ended">
      <h2>
        Ended <span class="quiet">{wordsOf(tail, rows.length)}</span>
      </h2>
      {rows.length > 0 && (
        <table class="data live">
          <thead>
            <tr>
              <th scope="col">Span</th>
              <th scope="col" class="number">
                Began
              </th>
              <th scope="col" class="number">
                Took
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.traceId + row.spanId} class={row.error ? "failed" : ""}>
                <td>
                  <i class={`dot ${hueOf(row.service)}`} />
                  {row.error && (
                    <b class="bad" title="failed">
                      ✕{" "}
                    </b>
                  )}
                  <a href={`/traces/${row.traceId}?span=${row.spanId}`}>
                    {row.service} {row.operation}
                  </a>
                </td>
                <td class="number">{clock(row.startMs)}</td>
                <td class="number">{duration(row.durationMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function wordsOf({ rows, came, gone, hidden }: Tail, shown: number): string {
  const words = [came === 0 ? "nothing yet" : `${came.toLocaleString()} since you came`];
  if (shown < rows.length) words.push(`${count(rows.length - shown, "other")} filtered out`);
  if (gone > 0) words.push(`${count(gone, "older one")} let go`);
  if (hidden > 0) words.push(`${count(hidden, "more span")} came too fast to show`);
  return words.join(", ");
}
