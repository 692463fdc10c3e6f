import type { LogView } from "@zeroplane/trace-collector/api";
import type { JSX } from "preact";
import { change } from "../address.ts";
import { hueOf } from "../colour.ts";
import type { Trace } from "../model/trace.ts";
import { duration, shown } from "../words.ts";
import { severityOf } from "./severity.ts";

interface Props {
  readonly trace: Trace;
  readonly logs: readonly LogView[];
  /** True when all are of one span, which need not be named then. */
  readonly isOfSpan?: boolean;
}

/** Log records by time, each with when it was written since the trace began, and in which span. */
export function LogLines({ trace, logs, isOfSpan = false }: Props): JSX.Element {
  return (
    <ol class={isOfSpan ? "logs of-span" : "logs"}>
      {logs.map((log, i) => (
        <li key={i} class={severityOf(log.severity)}>
          <span class="number quiet">+{duration(log.atMs - trace.startedAtMs)}</span>
          <b class="severity">{severityOf(log.severity)}</b>
          {!isOfSpan && <Place trace={trace} log={log} />}
          <span class="said">
            {shown(log.body)}
            {Object.entries(log.attributes).map(([key, value]) => (
              <span key={key} class="quiet">
                {" "}
                {key}={shown(value)}
              </span>
            ))}
          </span>
        </li>
      ))}
    </ol>
  );
}

function Place({ trace, log }: { readonly trace: Trace; readonly log: LogView }): JSX.Element {
  const span = log.spanId === undefined ? undefined : trace.find(log.spanId);
  return (
    <span class="place">
      <i class={`dot ${hueOf(log.service)}`} />
      {span === undefined ? (
        log.service
      ) : (
        <button type="button" class="link" onClick={() => change({ span: span.id })}>
          {span.service} {span.name}
        </button>
      )}
    </span>
  );
}
