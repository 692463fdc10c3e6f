import type { ServiceEdge } from "@zeroplane/trace-collector/api";
import type { JSX } from "preact";
import { count, duration } from "../words.ts";
import { lineOf } from "./geometry.ts";
import type { Placed } from "./layers.ts";

const WIDTH_PX = { min: 1.25, more: 3 };

interface Props {
  readonly edge: ServiceEdge;
  readonly from: Placed | undefined;
  readonly to: Placed | undefined;
  /** Which of the lines between the same two it is. */
  readonly beside: number;
  /** How often the most used way is gone. */
  readonly most: number;
}

/** A way from a service to another: how often, how late, and what did not arrive. */
export function Edge({ edge, from, to, beside, most }: Props): JSX.Element | null {
  if (from === undefined || to === undefined) return null;
  const { path, label, end } = lineOf(from, to, beside);
  const width = WIDTH_PX.min + WIDTH_PX.more * (Math.log1p(edge.count) / Math.log1p(most));
  const isBad = edge.errors + edge.missed > 0;
  return (
    <a class={`edge ${edge.kind}${isBad ? " failed" : ""}`} href={hrefOf(edge)}>
      <title>{titleOf(edge)}</title>
      <path class="near" d={path} />
      <path class="line" d={path} stroke-width={width} />
      <circle cx={end.x} cy={end.y} r="3.5" />
      <text x={label.x} y={label.y}>
        {lateOf(edge)}
        {edge.missed > 0 && <tspan class="bad"> −{edge.missed.toLocaleString()}</tspan>}
      </text>
    </a>
  );
}

/** The spans that an edge is made of, as far as a search can say. */
export const hrefOf = ({ from, to, kind }: ServiceEdge): string =>
  `/traces?${new URLSearchParams({ of: "spans", service: kind === "call" && from !== to ? to : from })}`;

/** From whom to whom. */
export const wayOf = ({ from, to }: ServiceEdge): string => `${from} → ${to}`;

/** A call is as late as it takes; whatever is not waited for is late by when it is received. */
const lateOf = ({ kind, averageMs, lagMs }: ServiceEdge): string =>
  kind === "call" ? duration(averageMs) : `${duration(lagMs)} late`;

function titleOf(edge: ServiceEdge): string {
  const { kind, errors, missed, averageMs, lagMs } = edge;
  const parts = [
    `${wayOf(edge)}: ${count(edge.count, kind)}`,
    `${duration(averageMs)} on average`,
    `begun ${duration(lagMs)} after the sender`,
  ];
  if (errors > 0) parts.push(`${errors.toLocaleString()} failed`);
  if (missed > 0) parts.push(`${missed.toLocaleString()} did not arrive`);
  return parts.join(", ");
}
