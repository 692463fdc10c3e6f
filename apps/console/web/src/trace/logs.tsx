import type { LogPage, LogView } from "@zeroplane/trace-collector/api";
import type { JSX } from "preact";
import { change, useAddress } from "../address.ts";
import { Loaded, type State } from "../loaded.tsx";
import type { Trace } from "../model/trace.ts";
import { count } from "../words.ts";
import { LogLines } from "./log-lines.tsx";
import { SEVERITIES } from "./severity.ts";

/** Records shown at first, and more each time. */
const SHOWN = 500;

interface Props {
  readonly trace: Trace;
  readonly logs: State<LogPage>;
}

/** Log records of a trace, narrowed by severity and by the text that the page looks for. */
export function Logs({ trace, logs }: Props): JSX.Element {
  const { search } = useAddress();
  if (trace.logs === 0) return <p class="quiet">No log record came with this trace.</p>;
  const severity = Number(search.get("severity")) || 0;
  const text = (search.get("find") ?? "").toLowerCase();
  const shown = Math.max(SHOWN, Number(search.get("logs")) || 0);
  return (
    <Loaded of={logs}>
      {(page) => {
        const found = page.logs.filter((log) => log.severity >= severity && has(log, text));
        return (
          <>
            <Severity value={severity} />
            <p class="quiet" role="status">
              {found.length.toLocaleString()} of {count(page.logs.length, "log record")}
              {page.isCut && `, the first of ${trace.logs.toLocaleString()}`}
            </p>
            <LogLines trace={trace} logs={found.slice(0, shown)} />
            {found.length > shown && (
              <button type="button" onClick={() => change({ logs: String(shown + SHOWN) })}>
                Show more
              </button>
            )}
          </>
        );
      }}
    </Loaded>
  );
}

function Severity({ value }: { readonly value: number }): JSX.Element {
  return (
    <label>
      At least{" "}
      <select
        value={String(value)}
        onChange={({ currentTarget }) =>
          change({ severity: currentTarget.value === "0" ? undefined : currentTarget.value })
        }
      >
        <option value="0">any severity</option>
        {SEVERITIES.map(([number, word]) => (
          <option key={word} value={String(number)}>
            {word}
          </option>
        ))}
      </select>
    </label>
  );
}

function has({ body, service, attributes }: LogView, text: string): boolean {
  if (text === "") return true;
  return JSON.stringify([body, service, attributes]).toLowerCase().includes(text);
}
