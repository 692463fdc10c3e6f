import type { JSX } from "preact";
import { change, useAddress } from "./address.ts";

const MINUTE_MS = 60_000;
const RANGES = [
  ["15", "15 minutes"],
  ["60", "hour"],
  ["360", "6 hours"],
  ["1440", "day"],
  ["10080", "week"],
] as const;
const DEFAULT = "60";
/** Answers are asked for again no more often than this. */
const STEP_MS = 10_000;

/** The range that an address names, as part of a question: the last so many minutes. */
export function rangeOf(search: URLSearchParams, now = Date.now()): URLSearchParams {
  const minutes = Number(search.get("minutes") ?? DEFAULT) || Number(DEFAULT);
  const toMs = Math.ceil(now / STEP_MS) * STEP_MS;
  return new URLSearchParams({ fromMs: String(toMs - minutes * MINUTE_MS), toMs: String(toMs) });
}

/** Lets the reader choose how far back to look. */
export function Range(): JSX.Element {
  const { search } = useAddress();
  return (
    <label>
      Last{" "}
      <select
        value={search.get("minutes") ?? DEFAULT}
        onChange={({ currentTarget }) => change({ minutes: currentTarget.value })}
      >
        {RANGES.map(([minutes, title]) => (
          <option key={minutes} value={minutes}>
            {title}
          </option>
        ))}
      </select>
    </label>
  );
}
