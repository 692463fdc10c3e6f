import { readCallRows } from "@zeroplane/tracing";
import type { DecodedSpan } from "./otlp.ts";

/**
 * The spans of a message of calls, as if they had come as OTLP.
 * @throws LinkError or RangeError when it is none
 */
export function spansOfCalls(body: Buffer): DecodedSpan[] {
  const { resource, calls } = readCallRows(body);
  const service = String(resource["service.name"] ?? "unknown");
  const node = String(resource["service.instance.id"] ?? service);
  return calls.map((call) => ({
    ...call,
    service,
    node,
    attributes: { ...call.attributes },
    links: [],
    status: 0,
    statusMessage: "",
  }));
}
