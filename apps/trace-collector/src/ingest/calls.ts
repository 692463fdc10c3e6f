import { readCallRows } from "@zeroplane/tracing/wire";
import type { DecodedSpan } from "../span.ts";
import { originOf } from "./otlp-protobuf.ts";

/**
 * The spans of a message of calls; what they have in common is shared, not copied.
 * @throws LinkError or RangeError when it is none
 */
export function spansOfCalls(body: Buffer): DecodedSpan[] {
  const { resource, calls } = readCallRows(body);
  const origin = originOf(resource);
  const spans = calls as unknown as (DecodedSpan & Record<string, unknown>)[];
  for (const span of spans)
    Object.assign(span, origin, { links: NONE, status: 0, statusMessage: "" });
  return spans;
}

const NONE: readonly never[] = [];
