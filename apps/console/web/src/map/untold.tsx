import type { SpanHole } from "@zeroplane/trace-collector/api";
import type { JSX } from "preact";
import { useAnswer } from "../loaded.tsx";
import { count } from "../words.ts";

/** What the collector says of itself, as far as it is needed here. */
interface Health {
  readonly senders: readonly {
    readonly node: string;
    readonly lost: number;
    readonly dropped: number;
  }[];
  readonly holes: readonly SpanHole[];
}

/** Says which processes have spans that never came here: the map has them too few. */
export function Untold(): JSX.Element | null {
  const { value } = useAnswer<Health>("/api/health");
  const missing = value === undefined ? [] : missingOf(value);
  if (missing.length === 0) return null;
  return (
    <p class="problem" role="status">
      The map knows too little: {missing.join("; ")}.
    </p>
  );
}

function missingOf({ senders, holes }: Health): string[] {
  const words: string[] = [];
  for (const { node, lost, dropped } of senders) {
    if (dropped > 0) words.push(`${node} had no room for ${count(dropped, "batch", "batches")}`);
    if (lost > 0) words.push(`${count(lost, "batch", "batches")} of ${node} got lost`);
  }
  const killed = holes.filter(({ spans }) => spans > 0);
  for (const { node, spans } of killed)
    words.push(`${count(spans, "span")} of ${node} died with it`);
  return words;
}
