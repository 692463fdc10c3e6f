import type { ComparedOperation, Comparison } from "@zeroplane/trace-collector/api";
import type { JSX } from "preact";
import { change, useAddress } from "../address.ts";
import { hueOf } from "../colour.ts";
import { Field } from "../field.tsx";
import { Loaded, useAnswer } from "../loaded.tsx";
import { type Column, Sortable } from "../sortable.tsx";
import { count, duration } from "../words.ts";

/** Changes below this are none: sums of doubles are not exact. */
const CHANGE_MS_MIN = 0.001;

const signed = (ms: number): string => {
  if (Math.abs(ms) < CHANGE_MS_MIN) return "0";
  return `${ms > 0 ? "+" : "−"}${duration(Math.abs(ms))}`;
};

const COLUMNS: readonly Column<ComparedOperation>[] = [
  {
    key: "operation",
    title: "Operation",
    cell: ({ service, operation }) => (
      <>
        <i class={`dot ${hueOf(service)}`} />
        {service} {operation}
      </>
    ),
  },
  { key: "a", title: "A: spans", by: ({ a }) => a.spans, cell: ({ a }) => a.spans },
  { key: "b", title: "B: spans", by: ({ b }) => b.spans, cell: ({ b }) => b.spans },
  {
    key: "aSelf",
    title: "A: own time",
    by: ({ a }) => a.selfMs,
    cell: ({ a }) => duration(a.selfMs),
  },
  {
    key: "bSelf",
    title: "B: own time",
    by: ({ b }) => b.selfMs,
    cell: ({ b }) => duration(b.selfMs),
  },
  {
    key: "errors",
    title: "Failed, A and B",
    by: ({ a, b }) => b.errors - a.errors,
    cell: ({ a, b }) => `${a.errors}, ${b.errors}`,
    isBad: ({ a, b }) => b.errors > a.errors,
  },
  {
    key: "change",
    title: "Change of own time a trace",
    by: ({ selfMsPerTraceChange }) => Math.abs(selfMsPerTraceChange),
    cell: ({ selfMsPerTraceChange }) => signed(selfMsPerTraceChange),
    isBad: ({ selfMsPerTraceChange }) => selfMsPerTraceChange >= CHANGE_MS_MIN,
  },
];

/** Two traces, or the traces of two ranges of time, by where their time went. */
export function ComparePage(): JSX.Element {
  const { search } = useAddress();
  const [a, b] = [search.get("a") ?? "", search.get("b") ?? ""];
  const query = new URLSearchParams({ a, b });
  const answer = useAnswer<Comparison>(a && b ? `/api/compare?${query}` : undefined);
  return (
    <main>
      <form class="bar-of-tools" onSubmit={(event) => event.preventDefault()}>
        <Field name="a" label="A" placeholder="trace id, or fromMs..toMs" />
        <Field name="b" label="B" placeholder="trace id, or fromMs..toMs" />
        <button type="button" onClick={() => change({ a: b, b: a })}>
          Swap
        </button>
      </form>
      {a && b ? (
        <Loaded of={answer}>
          {({ traces, operations }) => (
            <Sortable
              rows={operations}
              columns={COLUMNS}
              first="change"
              keyOf={({ service, operation }) => `${service} ${operation}`}
              caption={`${count(traces.a, "trace")} beside ${count(traces.b, "trace")}`}
            />
          )}
        </Loaded>
      ) : (
        <p class="quiet">
          Two traces, or two ranges of time as milliseconds since 1970. A trace's page leads here
          with that trace as A.
        </p>
      )}
    </main>
  );
}
