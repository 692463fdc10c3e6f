import type { OperationRow } from "@zeroplane/trace-collector/api";
import type { JSX } from "preact";
import { hueOf } from "../colour.ts";
import { OverTime } from "../over-time.tsx";
import { type Column, Sortable } from "../sortable.tsx";
import { count, duration, percent } from "../words.ts";

const COLUMNS: readonly Column<OperationRow>[] = [
  { key: "operation", title: "Operation", cell: (row) => <Name row={row} /> },
  {
    key: "rate",
    title: "A second",
    by: ({ perSecond }) => perSecond,
    cell: ({ perSecond }) => rate(perSecond),
  },
  {
    key: "count",
    title: "Calls",
    by: ({ count: n }) => n,
    cell: ({ count: n }) => n.toLocaleString(),
  },
  {
    key: "errors",
    title: "Failed",
    by: ({ errors, count: n }) => errors / n,
    cell: ({ errors, count: n, exemplars: { error } }) =>
      errors === 0 ? "0" : <Example of={error}>{`${percent(errors / n)}`}</Example>,
    isBad: ({ errors }) => errors > 0,
  },
  {
    key: "p50",
    title: "p50",
    by: ({ p50Ms }) => p50Ms,
    cell: ({ p50Ms, exemplars: { p50 } }) => <Example of={p50}>{duration(p50Ms)}</Example>,
  },
  { key: "p95", title: "p95", by: ({ p95Ms }) => p95Ms, cell: ({ p95Ms }) => duration(p95Ms) },
  {
    key: "p99",
    title: "p99",
    by: ({ p99Ms }) => p99Ms,
    cell: ({ p99Ms, exemplars: { slowest } }) => <Example of={slowest}>{duration(p99Ms)}</Example>,
  },
  {
    key: "self",
    title: "Own time",
    by: ({ selfMs }) => selfMs,
    cell: ({ selfMs }) => duration(selfMs),
  },
];

const RATE_MIN = 0.001;

const rate = (perSecond: number): string =>
  perSecond < RATE_MIN ? `< ${RATE_MIN}` : Number(perSecond.toPrecision(3)).toLocaleString();

/** Every operation of every service: how often, how fast, how often it fails, and its own time. */
export function OperationsPage(): JSX.Element {
  return (
    <OverTime<readonly OperationRow[]> path="/api/operations">
      {(rows) => (
        <Sortable
          rows={rows}
          columns={COLUMNS}
          first="self"
          keyOf={({ service, operation, kind }) => `${service} ${operation} ${kind}`}
          caption={`${count(rows.length, "operation")}; underlined numbers lead to an example`}
        />
      )}
    </OverTime>
  );
}

function Name({ row: { service, operation, kind } }: { readonly row: OperationRow }): JSX.Element {
  const query = new URLSearchParams({ service, operation });
  return (
    <>
      <i class={`dot ${hueOf(service)}`} />
      <a href={`/traces?${query}`}>
        {service} {operation}
      </a>{" "}
      <span class="quiet">{kind}</span>
    </>
  );
}

function Example(props: {
  readonly of: string | undefined;
  readonly children: string;
}): JSX.Element {
  if (props.of === undefined) return <>{props.children}</>;
  return <a href={`/traces/${props.of}`}>{props.children}</a>;
}
