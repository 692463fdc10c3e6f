import type { ServiceMap, ServiceNode } from "@zeroplane/trace-collector/api";
import type { JSX } from "preact";
import { hueOf } from "../colour.ts";
import { Edge } from "./edge.tsx";
import { BOX_PX, cornerOf, sizeOf } from "./geometry.ts";
import { layers, type Placed } from "./layers.ts";

/** Characters of a name that have room in a box. */
const NAME_MAX = 18;

/** Services as boxes, with a line from each to those that it uses. */
export function Drawing({ map: { services, edges } }: { readonly map: ServiceMap }): JSX.Element {
  const placed = layers(
    services.map(({ service }) => service),
    edges,
  );
  const byName = new Map(placed.map((each) => [each.name, each]));
  const most = Math.max(1, ...edges.map(({ count }) => count));
  const { width, height } = sizeOf(placed);
  return (
    <div class="map">
      <svg
        role="group"
        aria-label="The services and who uses whom; the table below has the same"
        viewBox={`0 0 ${width} ${height}`}
        width={width}
        height={height}
      >
        {edges.map((edge) => (
          <Edge
            key={`${edge.from} ${edge.to} ${edge.kind}`}
            edge={edge}
            from={byName.get(edge.from)}
            to={byName.get(edge.to)}
            beside={edges
              .filter(({ from, to }) => from === edge.from && to === edge.to)
              .indexOf(edge)}
            most={most}
          />
        ))}
        {services.map((node) => (
          <Service key={node.service} node={node} place={byName.get(node.service)} />
        ))}
      </svg>
    </div>
  );
}

interface ServiceProps {
  readonly node: ServiceNode;
  readonly place: Placed | undefined;
}

function Service({ node, place }: ServiceProps): JSX.Element | null {
  const { service, spans, errors } = node;
  if (place === undefined) return null;
  const { x, y } = cornerOf(place);
  const name = service.length > NAME_MAX ? `${service.slice(0, NAME_MAX - 1)}…` : service;
  return (
    <a href={`/traces?service=${encodeURIComponent(service)}`}>
      <title>{service}</title>
      <g transform={`translate(${x} ${y})`}>
        <rect class="box" width={BOX_PX.width} height={BOX_PX.height} rx="6" />
        <foreignObject x="10" y="7" width="12" height="18">
          <i class={`dot ${hueOf(service)}`} />
        </foreignObject>
        <text x="26" y="19">
          {name}
        </text>
        <text x="10" y="36" class={errors > 0 ? "small bad" : "small"}>
          {spans.toLocaleString()} spans{errors > 0 ? `, ✕ ${errors.toLocaleString()}` : ""}
        </text>
      </g>
    </a>
  );
}
