import { readCallRows } from "@zeroplane/tracing/wire";
import type { DecodedSpan } from "../span.ts";
import { originOf } from "./origins.ts";

/**
 * The spans of a message of calls; what they have in common is shared, not copied.
 * @throws LinkError or RangeError when it is none
 */
export function spansOfCalls(body: Buffer): DecodedSpan[] {
  const { resource, calls } = readCallRows(body);
  const origin = originOf(resource);
  return calls.map(({ traceId, spanId, parentId, name, kind, attributes, startUs, endUs }) => ({
    traceId,
    spanId,
    parentId,
    ...origin,
    name,
    kind,
    startUs,
    startSub: 0,
    durationNs: Math.max(0, endUs - startUs) * 1_000,
    attributes,
    links: NONE,
    status: 0,
    statusMessage: "",
  }));
}

const NONE: readonly never[] = [];
