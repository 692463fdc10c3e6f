import type { LiveSpans, SearchRow } from "@zeroplane/trace-collector/api";
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useAddress } from "../address.ts";
import { hueOf } from "../colour.ts";
import { Field, Tick } from "../field.tsx";
import { count, duration, time } from "../words.ts";

const ROWS_MAX = 300;
const FILTERS = ["service", "operation", "error", "minMs"] as const;

interface State {
  readonly rows: readonly SearchRow[];
  readonly hidden: number;
  readonly isOpen: boolean;
}

/** Spans as they come; what comes too fast to be read is counted. */
export function LivePage(): JSX.Element {
  const { search } = useAddress();
  const [isPaused, setPaused] = useState(false);
  const { rows, hidden, isOpen } = useTail(questionOf(search), isPaused);
  return (
    <main>
      <form class="bar-of-tools" onSubmit={(event) => event.preventDefault()}>
        <Field name="service" label="Service" />
        <Field name="operation" label="Operation" />
        <Field name="minMs" label="At least, ms" placeholder="0" />
        <Tick name="error" label="failed only" />
        <button type="button" aria-pressed={isPaused} onClick={() => setPaused(!isPaused)}>
          {isPaused ? "Go on" : "Pause"}
        </button>
        <span class="quiet" role="status">
          {isOpen ? "live" : isPaused ? "paused" : "connecting…"}
          {hidden > 0 && `, ${count(hidden, "more span")} came too fast to show`}
        </span>
      </form>
      <table class="data">
        <tbody>
          {rows.map((row) => (
            <tr key={row.spanId} class={row.error ? "failed" : ""}>
              <td>
                <i class={`dot ${hueOf(row.service)}`} />
                <a href={`/traces/${row.traceId}?span=${row.spanId}`}>
                  {row.service} {row.operation}
                </a>
              </td>
              <td class="number">{duration(row.durationMs)}</td>
              <td class="number">{time(row.startMs)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </main>
  );
}

function questionOf(search: URLSearchParams): string {
  const query = new URLSearchParams();
  for (const name of FILTERS) if (search.get(name)) query.set(name, search.get(name) ?? "");
  return `/api/live?${query}`;
}

function useTail(path: string, isPaused: boolean): State {
  const [state, setState] = useState<State>({ rows: [], hidden: 0, isOpen: false });
  useEffect(() => {
    if (isPaused) {
      setState((before) => ({ ...before, isOpen: false }));
      return undefined;
    }
    const source = new EventSource(path);
    source.onopen = () => setState({ rows: [], hidden: 0, isOpen: true });
    source.onerror = () => setState((before) => ({ ...before, isOpen: false }));
    source.onmessage = ({ data }) => {
      const { spans, hidden } = JSON.parse(String(data)) as LiveSpans;
      setState((before) => ({
        rows: [...spans.toReversed(), ...before.rows].slice(0, ROWS_MAX),
        hidden: before.hidden + hidden,
        isOpen: true,
      }));
    };
    return () => source.close();
  }, [path, isPaused]);
  return state;
}
