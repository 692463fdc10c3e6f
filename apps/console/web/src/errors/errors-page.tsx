import type { ErrorGroup } from "@zeroplane/trace-collector/api";
import type { JSX } from "preact";
import { hueOf } from "../colour.ts";
import { OverTime } from "../over-time.tsx";
import { Frames } from "../trace/frames.tsx";
import { count, time } from "../words.ts";

/** Failures, each once: grouped by where they began, however many services saw them. */
export function ErrorsPage(): JSX.Element {
  return (
    <OverTime<readonly ErrorGroup[]> path="/api/errors">
      {(groups) =>
        groups.length === 0 ? (
          <p class="quiet">Nothing failed.</p>
        ) : (
          groups.map((group) => <Group key={group.fingerprint} of={group} />)
        )
      }
    </OverTime>
  );
}

function Group({ of }: { readonly of: ErrorGroup }): JSX.Element {
  const { type, code, message, service, operation, frames, observers } = of;
  return (
    <article class="failure">
      <h3>
        <span class="bad">✕</span> {code ?? type}: {message}
      </h3>
      <p class="quiet">
        <i class={`dot ${hueOf(service)}`} />
        {service} {operation} · {count(of.count, "time")} in {count(of.traces, "trace")} · first{" "}
        {time(of.firstMs)} · last {time(of.lastMs)}
        {observers.length > 0 && ` · also seen by ${observers.join(", ")}`}
      </p>
      {frames.length > 0 && <Frames text={frames.join("\n")} />}
      <p>
        <a href={`/traces/${of.exemplar}?tab=traceback`}>its last trace</a>
      </p>
    </article>
  );
}
