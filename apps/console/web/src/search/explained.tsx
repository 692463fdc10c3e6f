import type { Difference, Explanation, TimeBox } from "@zeroplane/trace-collector/api";
import type { JSX } from "preact";
import { change, useAddress } from "../address.ts";
import { hueOf } from "../colour.ts";
import { Loaded, useAnswer } from "../loaded.tsx";
import { count, duration, percent, time } from "../words.ts";
import { textOfBox } from "./box.ts";
import { withAttribute } from "./question.ts";

interface Props {
  /** What narrows the search, as parameters of the collector. */
  readonly query: URLSearchParams;
  readonly box: TimeBox;
}

/** What sets the spans in a box apart, each a link that searches for it alone. */
export function Explained({ query, box }: Props): JSX.Element {
  const asked = new URLSearchParams(query);
  asked.set("box", textOfBox(box));
  const answer = useAnswer<Explanation>(`/api/explain?${asked}`);
  return (
    <section class="explained" aria-label="What sets the box apart">
      <header>
        <h2>What sets the box apart</h2>
        <span class="quiet">
          {time(box.fromMs)} to {time(box.toMs)}, {duration(box.minMs)} to {duration(box.maxMs)}
        </span>
        <button type="button" onClick={() => change({ box: undefined })}>
          Clear
        </button>
      </header>
      <Loaded of={answer}>{(found) => <Found found={found} />}</Loaded>
    </section>
  );
}

function Found({ found }: { readonly found: Explanation }): JSX.Element {
  const { inside, outside, differences, examples } = found;
  const skipped = inside.skipped + outside.skipped;
  return (
    <>
      <p class="quiet" role="status">
        {count(inside.spans, "span")} inside, {count(outside.spans, "span")} outside
        {inside.looked + outside.looked < inside.spans + outside.spans &&
          `; shares are those of a sample of ${inside.looked.toLocaleString()} and ${outside.looked.toLocaleString()}`}
        {skipped > 0 && `; ${count(skipped, "rare value")} not counted`}
      </p>
      {differences.length === 0 ? (
        <p class="quiet">Nothing that is known of them sets them apart.</p>
      ) : (
        <table class="data">
          <thead>
            <tr>
              <th scope="col">What</th>
              <th scope="col">Inside</th>
              <th scope="col">Outside</th>
            </tr>
          </thead>
          <tbody>
            {differences.map((each) => (
              <Line key={`${each.kind} ${each.key} ${each.value}`} of={each} />
            ))}
          </tbody>
        </table>
      )}
      {examples.length > 0 && (
        <p>
          The longest inside:{" "}
          {examples.map(({ traceId, spanId, service, operation, durationMs }) => (
            <span key={spanId} class="service">
              <i class={`dot ${hueOf(service)}`} />
              <a href={`/traces/${traceId}?span=${spanId}`}>
                {service} {operation} {duration(durationMs)}
              </a>{" "}
            </span>
          ))}
        </p>
      )}
    </>
  );
}

function Line({ of }: { readonly of: Difference }): JSX.Element {
  const { search } = useAddress();
  return (
    <tr>
      <td>
        <a href={`/traces?${narrowed(search, of)}`}>{wordsOf(of)}</a>
      </td>
      <td>
        <Share of={of.inside} />
      </td>
      <td>
        <Share of={of.outside} />
      </td>
    </tr>
  );
}

function Share({ of }: { readonly of: number }): JSX.Element {
  return (
    <span class="share">
      <i aria-hidden="true">
        <b style={{ width: `${of * 100}%` }} />
      </i>
      <span class="number">{of === 0 ? "0 %" : percent(of)}</span>
    </span>
  );
}

function wordsOf({ kind, key, value }: Difference): string {
  if (kind === "error") return value === "true" ? "failed" : "did not fail";
  if (kind === "operation") return `operation ${key} ${value}`;
  return kind === "service" ? `service ${value}` : `${key} = ${value}`;
}

/** The address with only what has this. */
function narrowed(search: URLSearchParams, { kind, key, value }: Difference): URLSearchParams {
  const next = new URLSearchParams(search);
  if (kind === "operation") next.set("service", key);
  if (kind === "attribute") next.set("attributes", withAttribute(search, key, value));
  else next.set(kind, value);
  return next;
}
