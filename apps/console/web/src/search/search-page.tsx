import type { SearchPage as Found, Heatmap, SearchRow } from "@zeroplane/trace-collector/api";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { change, useAddress } from "../address.ts";
import { ask } from "../api.ts";
import { hueOf } from "../colour.ts";
import { Field, Tick } from "../field.tsx";
import { Loaded, useAnswer } from "../loaded.tsx";
import { Range, rangeOf } from "../range.tsx";
import { count, duration, time } from "../words.ts";
import { boxOf } from "./box.ts";
import { Explained } from "./explained.tsx";
import { Heat } from "./heat.tsx";
import { filterOf, questionOf } from "./question.ts";

/** Traces or spans that fit what is asked for, counted and sorted by the collector over the whole range. */
export function SearchPage(): JSX.Element {
  const { search } = useAddress();
  const range = rangeOf(search);
  const question = questionOf(search, range);
  const query = filterOf(search, range);
  // What there is to see comes first; to count all of it takes longer.
  const answer = useAnswer<Found>(`${question}&totals=false`);
  const isThere = answer.path === `${question}&totals=false`;
  const { value: counted } = useAnswer<Found>(isThere ? `${question}&limit=1` : undefined);
  const heat = useAnswer<Heatmap>(`/api/heatmap?${query}`);
  const box = boxOf(search);
  return (
    <main>
      <Filters search={search} />
      {heat.value !== undefined && heat.value.cells.length > 0 && (
        <Heat map={heat.value} box={box} />
      )}
      {box !== undefined && <Explained query={query} box={box} />}
      <Loaded of={answer}>
        {(page) => (
          <Results
            key={question}
            question={`${question}&totals=false`}
            page={page}
            totals={isThere ? counted?.totals : undefined}
          />
        )}
      </Loaded>
    </main>
  );
}

function Filters({ search }: { readonly search: URLSearchParams }): JSX.Element {
  const choice = (name: string, choices: readonly (readonly [string, string])[]): JSX.Element => (
    <select
      aria-label={name}
      value={search.get(name) ?? ""}
      onChange={({ currentTarget }) => change({ [name]: currentTarget.value })}
    >
      {choices.map(([value, title]) => (
        <option key={value} value={value}>
          {title}
        </option>
      ))}
    </select>
  );
  return (
    <form class="bar-of-tools" role="search" onSubmit={(event) => event.preventDefault()}>
      {choice("of", [
        ["", "Traces"],
        ["spans", "Spans"],
      ])}
      <Field name="service" label="Service" />
      <Field name="operation" label="Operation" />
      <Field name="attributes" label="Attributes" placeholder='key=value k="a b"' />
      <Field name="text" label="Text" />
      <Field name="minMs" label="At least, ms" placeholder="0" />
      <Tick name="error" label="failed only" />
      {choice("sort", [
        ["", "newest first"],
        ["duration", "slowest first"],
      ])}
      <Range />
    </form>
  );
}

function Results({
  question,
  page,
  totals,
}: {
  readonly question: string;
  readonly page: Found;
  readonly totals: Found["totals"];
}): JSX.Element {
  const [more, setMore] = useState<readonly SearchRow[]>([]);
  const [cursor, setCursor] = useState(page.cursor);
  const [problem, setProblem] = useState<string>();
  useEffect(() => setCursor(page.cursor), [page]);
  const rows = [...page.rows, ...more];
  if (rows.length === 0) {
    return <p class="quiet">Nothing fits. Spans arrive within a second of their end.</p>;
  }
  const next = (): void => {
    ask<Found>(`${question}&cursor=${encodeURIComponent(cursor ?? "")}`).then(
      (found) => {
        setMore((before) => [...before, ...found.rows]);
        setCursor(found.cursor);
      },
      (error: Error) => setProblem(error.message),
    );
  };
  return (
    <>
      <Table rows={rows} totals={totals} />
      {cursor !== undefined && (
        <p>
          <button type="button" onClick={next}>
            Show more
          </button>
        </p>
      )}
      {problem !== undefined && <p class="problem">{problem}</p>}
    </>
  );
}

function Table({
  rows,
  totals,
}: {
  readonly rows: readonly SearchRow[];
  readonly totals: Found["totals"];
}): JSX.Element {
  const isOfTraces = rows.some(({ trace }) => trace !== undefined);
  const all = isOfTraces ? totals?.traces : totals?.spans;
  const caption = `${rows.length.toLocaleString()} of ${all === undefined ? "…" : count(all, isOfTraces ? "trace" : "span")}`;
  return (
    <table class="data">
      <caption class="quiet">{caption}</caption>
      <thead>
        <tr>
          <th scope="col">{isOfTraces ? "Trace" : "Span"}</th>
          <th scope="col" class="number">
            Began
          </th>
          <th scope="col" class="number">
            Took
          </th>
          {isOfTraces && (
            <>
              <th scope="col" class="number">
                Spans
              </th>
              <th scope="col" class="number">
                Services
              </th>
              <th scope="col" class="number">
                Failed
              </th>
            </>
          )}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <Line key={row.traceId + row.spanId} row={row} />
        ))}
      </tbody>
    </table>
  );
}

function Line({ row }: { readonly row: SearchRow }): JSX.Element {
  const { traceId, spanId, trace } = row;
  const { service, name, startMs, durationMs } = trace ?? { ...row, name: row.operation };
  const errors = trace?.errors ?? (row.error ? 1 : 0);
  const href = trace === undefined ? `/traces/${traceId}?span=${spanId}` : `/traces/${traceId}`;
  return (
    <tr class={errors > 0 ? "failed" : ""}>
      <td>
        <i class={`dot ${hueOf(service)}`} />
        <a href={href}>
          {service} {name}
        </a>{" "}
        <code class="quiet">{traceId.slice(0, 8)}</code>
      </td>
      <td class="number">{time(startMs)}</td>
      <td class="number">{duration(durationMs)}</td>
      {trace !== undefined && (
        <>
          <td class="number">{trace.spans.toLocaleString()}</td>
          <td class="number">{trace.services}</td>
          <td class={errors > 0 ? "number bad" : "number"}>{errors}</td>
        </>
      )}
    </tr>
  );
}
