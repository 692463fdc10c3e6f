import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { change, useAddress } from "../address.ts";
import { hueOf } from "../colour.ts";
import type { Span } from "../model/span.ts";
import type { Trace } from "../model/trace.ts";
import { duration, percent } from "../words.ts";

interface Line {
  readonly service: string;
  readonly name: string;
  readonly first: Span;
  spans: number;
  errors: number;
  totalMs: number;
  selfMs: number;
  criticalMs: number;
  longestMs: number;
}

const COLUMNS = [
  ["spans", "Spans"],
  ["errors", "Errors"],
  ["totalMs", "Total"],
  ["longestMs", "Longest"],
  ["selfMs", "Self"],
  ["criticalMs", "On the critical path"],
] as const;

type Column = (typeof COLUMNS)[number][0];

/** The operations of a trace, with the time that each took itself. */
export function SpanTable({ trace }: { readonly trace: Trace }): JSX.Element {
  const lines = useMemo(() => linesOf(trace), [trace]);
  const wanted = useAddress().search.get("sort");
  const by: Column = COLUMNS.find(([column]) => column === wanted)?.[0] ?? "selfMs";
  const sorted = lines.toSorted((a, b) => b[by] - a[by]);
  const self = lines.reduce((sum, { selfMs }) => sum + selfMs, 0) || 1;
  return (
    <table class="data">
      <thead>
        <tr>
          <th scope="col">Operation</th>
          {COLUMNS.map(([column, title]) => (
            <th
              key={column}
              scope="col"
              class="number"
              aria-sort={column === by ? "descending" : "none"}
            >
              <button type="button" class="sort" onClick={() => change({ sort: column })}>
                {title}
                {column === by ? " ↓" : ""}
              </button>
            </th>
          ))}
          <th scope="col" class="number">
            Share of self time
          </th>
        </tr>
      </thead>
      <tbody>
        {sorted.map((line) => (
          <tr key={`${line.service} ${line.name}`}>
            <td>
              <i class={`dot ${hueOf(line.service)}`} />
              <button
                type="button"
                class="link"
                onClick={() => change({ tab: undefined, span: line.first.id })}
              >
                {line.service} {line.name}
              </button>
            </td>
            <td class="number">{line.spans}</td>
            <td class={line.errors > 0 ? "number bad" : "number"}>{line.errors}</td>
            <td class="number">{duration(line.totalMs)}</td>
            <td class="number">{duration(line.longestMs)}</td>
            <td class="number">{duration(line.selfMs)}</td>
            <td class="number">{duration(line.criticalMs)}</td>
            <td class="number">{percent(line.selfMs / self)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function linesOf({ spans }: Trace): Line[] {
  const lines = new Map<string, Line>();
  for (const span of spans) {
    const { service, name } = span;
    const key = `${service}\0${name}`;
    let line = lines.get(key);
    if (line === undefined) {
      const zeros = { spans: 0, errors: 0, totalMs: 0, selfMs: 0, criticalMs: 0, longestMs: 0 };
      line = { service, name, first: span, ...zeros };
      lines.set(key, line);
    }
    const ms = span.durationMs;
    line.spans++;
    line.errors += span.failure === undefined ? 0 : 1;
    line.totalMs += ms;
    line.selfMs += span.selfMs;
    line.criticalMs += span.critical.reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
    line.longestMs = Math.max(line.longestMs, ms);
  }
  return [...lines.values()];
}
