import type { ServiceEdge, ServiceMap } from "@zeroplane/trace-collector/api";
import type { JSX } from "preact";
import { HelpButton, KeyHelp, type KeyList, stepRow, useKeyboard } from "../keys.tsx";
import { OverTime } from "../over-time.tsx";
import { type Column, Sortable } from "../sortable.tsx";
import { count, duration, percent } from "../words.ts";
import { Drawing } from "./drawing.tsx";
import { hrefOf, wayOf } from "./edge.tsx";
import { Legend } from "./legend.tsx";
import { Untold } from "./untold.tsx";

const COLUMNS: readonly Column<ServiceEdge>[] = [
  { key: "way", title: "Way", cell: (edge) => <a href={hrefOf(edge)}>{wayOf(edge)}</a> },
  { key: "kind", title: "How", cell: ({ kind }) => kind },
  {
    key: "count",
    title: "Times",
    by: ({ count: n }) => n,
    cell: ({ count: n }) => n.toLocaleString(),
  },
  {
    key: "errors",
    title: "Failed",
    by: ({ errors, count: n }) => errors / n,
    cell: ({ errors, count: n }) => (errors === 0 ? "0" : percent(errors / n)),
    isBad: ({ errors }) => errors > 0,
  },
  {
    key: "ms",
    title: "On average",
    by: ({ averageMs }) => averageMs,
    cell: ({ averageMs }) => duration(averageMs),
  },
  { key: "lag", title: "Lag", by: ({ lagMs }) => lagMs, cell: ({ lagMs }) => duration(lagMs) },
  {
    key: "missed",
    title: "Missed",
    by: ({ missed }) => missed,
    cell: ({ missed }) => missed.toLocaleString(),
    isBad: ({ missed }) => missed > 0,
  },
];

const KEYS: KeyList = [
  ["j k", "next, previous way in the table"],
  ["Enter", "spans of the one that is reached"],
  ["?", "these keys"],
];

/** Which service uses which: calls, jobs and feeds, with how often, how long and how late. */
export function MapPage(): JSX.Element {
  const help = useKeyboard(press);
  return (
    <OverTime<ServiceMap> path="/api/map" tools={<HelpButton {...help} />}>
      {(map) => (
        <>
          {help.isHelp && <KeyHelp keys={KEYS} />}
          {map.services.length === 0 ? (
            <p class="quiet">No spans in this time: choose a longer one.</p>
          ) : (
            <Drawing map={map} />
          )}
          <Legend />
          <Untold />
          <Sortable
            rows={map.edges}
            columns={COLUMNS}
            first="count"
            keyOf={({ from, to, kind }) => `${from} ${to} ${kind}`}
            caption={`${count(map.services.length, "service")}, ${count(map.edges.length, "way")} between them`}
          />
        </>
      )}
    </OverTime>
  );
}

function press(key: string): boolean {
  if (key !== "j" && key !== "k") return false;
  stepRow(key === "j" ? 1 : -1);
  return true;
}
