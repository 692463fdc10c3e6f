import type { JSX } from "preact";

const LINES = [
  ["call", "call, and how long it takes"],
  ["job", "job, and how late it begins"],
  ["feed", "feed, and how late it is received"],
  ["call failed", "some fail, or do not arrive"],
] as const;

/** What the lines of the map stand for. */
export function Legend(): JSX.Element {
  return (
    <ul class="legend" aria-label="Lines">
      {LINES.map(([kind, what]) => (
        <li key={kind}>
          <svg width="34" height="10" aria-hidden="true" class={`edge ${kind}`}>
            <path class="line" d="M 1 5 H 27" stroke-width="2" />
            <circle cx="29" cy="5" r="3.5" />
          </svg>
          {what}
        </li>
      ))}
      <li>
        <b class="bad">−3</b> messages that did not arrive
      </li>
      <li>thicker: more often</li>
    </ul>
  );
}
