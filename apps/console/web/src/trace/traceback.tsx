import type { SpanDetails } from "@zeroplane/trace-collector/api";
import { type Failure, failuresOf } from "@zeroplane/tracing/model";
import type { JSX } from "preact";
import { useMemo } from "preact/hooks";
import { change, useAddress } from "../address.ts";
import { hueOf } from "../colour.ts";
import type { Span } from "../model/span.ts";
import type { Trace } from "../model/trace.ts";
import { count, duration } from "../words.ts";
import { useDetails } from "./details.ts";
import { Frames } from "./frames.tsx";

/** Failures shown at first, and more each time. */
const SHOWN = 20;

/** Every failure of a trace as one traceback through all the processes that it came through. */
export function Traceback({ trace }: { readonly trace: Trace }): JSX.Element {
  const { search } = useAddress();
  const failures = useMemo(() => failuresOf(trace.spans), [trace]);
  if (failures.length === 0) return <p class="quiet">Nothing failed in this trace.</p>;
  const shown = Math.max(SHOWN, Number(search.get("failures")) || 0);
  return (
    <>
      {failures.slice(0, shown).map((failure) => (
        <OneFailure key={failure.origin.id} trace={trace} failure={failure} />
      ))}
      {failures.length > shown && (
        <button type="button" onClick={() => change({ failures: String(shown + SHOWN) })}>
          Show more of {failures.length.toLocaleString()}
        </button>
      )}
    </>
  );
}

function OneFailure({
  trace,
  failure: { origin, through, also },
}: {
  readonly trace: Trace;
  readonly failure: Failure<Span>;
}): JSX.Element {
  // The root's stack goes through every process, the origin's through its own.
  const asked = [...through.toReversed(), origin].slice(-DEPTH_MAX);
  const { value, error } = useDetails(trace, asked);
  const stack = asked.map(({ id }) => stackOf(value?.[id])).find((text) => text !== undefined);
  return (
    <article class="failure">
      <h3>
        <span class="bad">✕</span> {origin.failure || origin.name}
      </h3>
      <p class="quiet">
        Began in {origin.service} {origin.name}, {duration(origin.endMs)} in
        {through.length > 0 && `, and came through ${count(through.length, "more span")}`}
        {also.length > 0 && `; ${count(also.length, "span")} heard of it otherwise`}.
      </p>
      {error !== undefined && <p class="problem">{error.message}</p>}
      {stack !== undefined && <Frames text={stack} />}
      <ol class="hops">
        {[origin, ...through, ...also].map((span) => (
          <li key={span.id}>
            <i class={`dot ${hueOf(span.service)}`} />
            <button type="button" class="link" onClick={() => change({ span: span.id })}>
              {span.service} {span.name}
            </button>{" "}
            <span class="quiet">
              {span.node}, failed after {duration(span.durationMs)}
            </span>
          </li>
        ))}
      </ol>
    </article>
  );
}

const DEPTH_MAX = 64;

function stackOf(details: SpanDetails | undefined): string | undefined {
  const key = "exception.stacktrace";
  const said = [details?.attributes, ...(details?.events ?? []).map((event) => event.attributes)];
  const own = said.find((attributes) => attributes !== undefined && key in attributes)?.[key];
  return typeof own === "string" ? own : undefined;
}
