import type { ServiceEdge, ServiceMap } from "@zeroplane/trace-collector/api";
import type { JSX } from "preact";
import { hueOf } from "../colour.ts";
import { OverTime } from "../over-time.tsx";
import { type Column, Sortable } from "../sortable.tsx";
import { count, duration, percent } from "../words.ts";
import { layers, type Placed } from "./layers.ts";

const BOX_PX = { width: 150, height: 44 };
const STEP_PX = { x: 250, y: 84 };
const MARGIN_PX = 20;

const COLUMNS: readonly Column<ServiceEdge>[] = [
  { key: "way", title: "Way", cell: ({ from, to }) => `${from} → ${to}` },
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
];

/** Which service uses which: calls, jobs and feeds, with how often, how long and how late. */
export function MapPage(): JSX.Element {
  return (
    <OverTime<ServiceMap> path="/api/map">
      {(map) => (
        <>
          <Drawing map={map} />
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

function Drawing({ map: { services, edges } }: { readonly map: ServiceMap }): JSX.Element {
  const placed = layers(
    services.map(({ service }) => service),
    edges,
  );
  const byName = new Map(placed.map((each) => [each.name, each]));
  const columns = Math.max(0, ...placed.map(({ column }) => column)) + 1;
  const rows = Math.max(0, ...placed.map(({ row }) => row)) + 1;
  const most = Math.max(1, ...edges.map(({ count: n }) => n));
  return (
    <svg
      class="map"
      role="img"
      aria-label="The services and who uses whom; the table below has the same"
      viewBox={`0 0 ${columns * STEP_PX.x} ${rows * STEP_PX.y}`}
    >
      {edges.map((edge) => (
        <Edge
          key={`${edge.from} ${edge.to} ${edge.kind}`}
          edge={edge}
          places={byName}
          most={most}
        />
      ))}
      {services.map(({ service, spans, errors }) => {
        const place = byName.get(service);
        if (place === undefined) return null;
        const { x, y } = cornerOf(place);
        return (
          <a key={service} href={`/traces?service=${encodeURIComponent(service)}`}>
            <g transform={`translate(${x} ${y})`}>
              <rect class="box" width={BOX_PX.width} height={BOX_PX.height} rx="6" />
              <foreignObject x="10" y="10" width="12" height="12">
                <i class={`dot ${hueOf(service)}`} />
              </foreignObject>
              <text x="26" y="19">
                {service}
              </text>
              <text x="10" y="36" class={errors > 0 ? "small bad" : "small"}>
                {spans.toLocaleString()} spans{errors > 0 ? `, ✕ ${errors}` : ""}
              </text>
            </g>
          </a>
        );
      })}
    </svg>
  );
}

const cornerOf = ({ column, row }: Placed): { x: number; y: number } => ({
  x: MARGIN_PX + column * STEP_PX.x,
  y: MARGIN_PX + row * STEP_PX.y,
});

interface EdgeProps {
  readonly edge: ServiceEdge;
  readonly places: ReadonlyMap<string, Placed>;
  readonly most: number;
}

function Edge({ edge, places, most }: EdgeProps): JSX.Element | null {
  const [from, to] = [places.get(edge.from), places.get(edge.to)];
  if (from === undefined || to === undefined || from === to) return null;
  const [a, b] = [cornerOf(from), cornerOf(to)];
  const isForward = to.column > from.column;
  const startX = a.x + (isForward ? BOX_PX.width : BOX_PX.width / 2);
  const startY = a.y + (isForward ? BOX_PX.height / 2 : 0);
  const endX = b.x + (isForward ? 0 : BOX_PX.width / 2);
  const endY = b.y + (isForward ? BOX_PX.height / 2 : BOX_PX.height);
  const bend = isForward ? (endX - startX) / 2 : 60;
  const path = `M ${startX} ${startY} C ${startX + bend} ${startY}, ${endX - bend} ${endY}, ${endX} ${endY}`;
  const width = 1 + 4 * (Math.log1p(edge.count) / Math.log1p(most));
  return (
    <path
      class={`edge ${edge.kind}${edge.errors > 0 ? " failed" : ""}`}
      d={path}
      stroke-width={width}
    >
      <title>{`${edge.from} → ${edge.to}: ${count(edge.count, edge.kind)}, ${duration(edge.averageMs)} on average`}</title>
    </path>
  );
}
