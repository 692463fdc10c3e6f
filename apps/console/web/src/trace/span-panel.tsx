import type { LogView, SpanDetails } from "@zeroplane/trace-collector/api";
import type { ComponentChildren, JSX } from "preact";
import { change } from "../address.ts";
import { hueOf } from "../colour.ts";
import type { Span } from "../model/span.ts";
import type { Trace } from "../model/trace.ts";
import { duration, percent, shown, time } from "../words.ts";
import { useDetails } from "./details.ts";
import { Frames } from "./frames.tsx";
import { LogLines } from "./log-lines.tsx";

const KINDS = ["", "internal", "server", "client", "producer", "consumer"];
const STACK = "exception.stacktrace";

/** All that is known of one span. */
export function SpanPanel({
  trace,
  span,
  logs,
}: {
  readonly trace: Trace;
  readonly span: Span;
  /** Of the whole trace. */
  readonly logs: readonly LogView[];
}): JSX.Element {
  const ms = span.durationMs;
  const own = logs.filter(({ spanId }) => spanId === span.id);
  const { value, error } = useDetails(trace, [span]);
  const details = value?.[span.id];
  const parent = trace.spans[span.parent];
  return (
    <aside class="panel" aria-label={`Span ${span.name}`}>
      <header>
        <h2>
          <i class={`dot ${hueOf(span.service)}`} /> {span.service} <b>{span.name}</b>
        </h2>
        <button type="button" aria-label="Close" onClick={() => change({ span: undefined })}>
          ✕
        </button>
      </header>
      {span.failure !== undefined && <p class="problem">{span.failure || "failed"}</p>}
      <dl>
        <Fact name="Took">
          {duration(ms)}, of it {duration(span.selfMs)} itself (
          {percent(ms > 0 ? span.selfMs / ms : 1)})
        </Fact>
        <Fact name="Began">
          {duration(span.startMs)} in, {time(trace.startedAtMs + span.startMs)}
        </Fact>
        <Fact name="Kind">{KINDS[span.kind] ?? span.kind}</Fact>
        <Fact name="Process">{span.node}</Fact>
        {parent !== undefined && (
          <Fact name="Below">
            <button type="button" class="link" onClick={() => change({ span: parent.id })}>
              {parent.service} {parent.name}
            </button>
          </Fact>
        )}
        <Fact name="Span">
          <code>{span.id}</code>
        </Fact>
      </dl>
      {own.length > 0 && (
        <Part title="Logs">
          <LogLines trace={trace} logs={own} isOfSpan />
        </Part>
      )}
      {error !== undefined && <p class="problem">{error.message}</p>}
      {details !== undefined && <Details details={details} />}
    </aside>
  );
}

/** What the collector has told of a span. */
function Details({ details }: { readonly details: SpanDetails }): JSX.Element {
  const { attributes, events, links, resource } = details;
  const stack = attributes[STACK];
  const rest = Object.entries(attributes).filter(([key]) => key !== STACK);
  return (
    <>
      {typeof stack === "string" && (
        <Part title="Traceback">
          <Frames text={stack} />
        </Part>
      )}
      {rest.length > 0 && (
        <Part title="Attributes">
          <Pairs pairs={rest} />
        </Part>
      )}
      {events.length > 0 && (
        <Part title="Events">
          <ol class="events">
            {events.map(({ name, attributes }, i) => (
              <li key={i}>
                <b>{name}</b>{" "}
                {Object.entries(attributes).map(([key, value]) => `${key}=${shown(value)} `)}
              </li>
            ))}
          </ol>
        </Part>
      )}
      {links.length > 0 && (
        <Part title="Linked to">
          <ul class="events">
            {links.map(({ traceId, spanId }) => (
              <li key={spanId}>
                <a href={`/traces/${traceId}?span=${spanId}`}>trace {traceId.slice(0, 8)}</a>
              </li>
            ))}
          </ul>
        </Part>
      )}
      <details>
        <summary class="quiet">Its process</summary>
        <Pairs pairs={Object.entries(resource)} />
      </details>
    </>
  );
}

function Pairs({
  pairs,
}: {
  readonly pairs: readonly (readonly [key: string, value: unknown])[];
}): JSX.Element {
  return (
    <table class="attributes">
      <tbody>
        {pairs.map(([key, value]) => (
          <tr key={key}>
            <th scope="row">{key}</th>
            <td>{shown(value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Fact(props: { readonly name: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </>
  );
}

function Part(props: {
  readonly title: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <section>
      <h3>{props.title}</h3>
      {props.children}
    </section>
  );
}
