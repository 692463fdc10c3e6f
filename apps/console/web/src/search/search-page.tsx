import type { JSX } from "preact";
import { change, useAddress } from "../address.ts";
import { hueOf } from "../colour.ts";
import { Loaded, useAnswer } from "../loaded.tsx";
import { count, duration, time } from "../words.ts";
import { Scatter } from "./scatter.tsx";
import { questionOf, type Summary } from "./summary.ts";

const COLUMNS = [
  ["startMs", "Began"],
  ["durationMs", "Took"],
  ["spans", "Spans"],
  ["services", "Services"],
  ["errors", "Errors"],
] as const;

type Column = (typeof COLUMNS)[number][0];

/** Traces that fit what is asked for. */
export function SearchPage(): JSX.Element {
  const { search } = useAddress();
  const answer = useAnswer<readonly Summary[]>(questionOf(search));
  return (
    <main>
      <Filters search={search} />
      <Loaded of={answer}>
        {(traces) =>
          traces.length === 0 ? (
            <p class="quiet">No trace fits. Spans arrive within a second of their end.</p>
          ) : (
            <>
              <Scatter traces={traces} />
              <Results traces={traces} search={search} />
            </>
          )
        }
      </Loaded>
    </main>
  );
}

function Filters({ search }: { readonly search: URLSearchParams }): JSX.Element {
  const field = (name: string, label: string, placeholder: string): JSX.Element => (
    <label>
      {label}{" "}
      <input
        type="text"
        name={name}
        placeholder={placeholder}
        value={search.get(name) ?? ""}
        onChange={({ currentTarget }) => change({ [name]: currentTarget.value.trim() })}
      />
    </label>
  );
  return (
    <form class="bar-of-tools" role="search" onSubmit={(event) => event.preventDefault()}>
      {field("service", "Service", "any")}
      {field("name", "Operation", "any")}
      {field("minMs", "At least, ms", "0")}
      <label>
        <input
          type="checkbox"
          checked={search.get("error") === "1"}
          onChange={({ currentTarget }) =>
            change({ error: currentTarget.checked ? "1" : undefined })
          }
        />{" "}
        with errors only
      </label>
      <label>
        Newest{" "}
        <select
          value={search.get("limit") ?? "100"}
          onChange={({ currentTarget }) => change({ limit: currentTarget.value })}
        >
          {["20", "100", "500"].map((limit) => (
            <option key={limit}>{limit}</option>
          ))}
        </select>
      </label>
    </form>
  );
}

function Results({
  traces,
  search,
}: {
  readonly traces: readonly Summary[];
  readonly search: URLSearchParams;
}): JSX.Element {
  const wanted = search.get("sort");
  const by: Column = COLUMNS.find(([column]) => column === wanted)?.[0] ?? "startMs";
  const sorted = traces.toSorted((a, b) => b[by] - a[by]);
  return (
    <table class="data">
      <caption class="quiet">{count(traces.length, "trace")}</caption>
      <thead>
        <tr>
          <th scope="col">Trace</th>
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
        </tr>
      </thead>
      <tbody>
        {sorted.map((trace) => (
          <tr key={trace.traceId} class={trace.errors > 0 ? "failed" : ""}>
            <td>
              <i class={`dot ${hueOf(trace.service)}`} />
              <a href={`/traces/${trace.traceId}`}>
                {trace.service} {trace.name}
              </a>{" "}
              <code class="quiet">{trace.traceId.slice(0, 8)}</code>
            </td>
            <td class="number">{time(trace.startMs)}</td>
            <td class="number">{duration(trace.durationMs)}</td>
            <td class="number">{trace.spans.toLocaleString()}</td>
            <td class="number">{trace.services}</td>
            <td class={trace.errors > 0 ? "number bad" : "number"}>{trace.errors}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
