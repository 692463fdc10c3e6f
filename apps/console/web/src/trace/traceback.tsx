import { failuresOf } from "@zeroplane/tracing/model";
import type { JSX } from "preact";
import { change } from "../address.ts";
import { hueOf } from "../colour.ts";
import type { Span } from "../model/span.ts";
import type { Trace } from "../model/trace.ts";
import { count, duration } from "../words.ts";
import { Frames } from "./frames.tsx";

/** Every failure of a trace as one traceback through all the processes that it came through. */
export function Traceback({ trace }: { readonly trace: Trace }): JSX.Element {
  const failures = failuresOf(trace.spans);
  if (failures.length === 0) return <p class="quiet">Nothing failed in this trace.</p>;
  return (
    <>
      {failures.map(({ origin, through, also }) => {
        // The root's goes through every process, the origin's through its own.
        const stack = [...through.toReversed(), origin]
          .map(stackOf)
          .find((text) => text !== undefined);
        return (
          <article class="failure" key={origin.id}>
            <h3>
              <span class="bad">✕</span> {origin.failure || origin.name}
            </h3>
            <p class="quiet">
              Began in {origin.service} {origin.name}, {duration(origin.endMs)} in
              {through.length > 0 && `, and came through ${count(through.length, "more span")}`}
              {also.length > 0 && `; ${count(also.length, "span")} heard of it otherwise`}.
            </p>
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
      })}
    </>
  );
}

function stackOf({ attributes, events }: Span): string | undefined {
  const key = "exception.stacktrace";
  const own = attributes[key] ?? events.find(({ attributes: of }) => key in of)?.attributes[key];
  return typeof own === "string" ? own : undefined;
}
