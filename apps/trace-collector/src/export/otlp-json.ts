import { type Attributes, type DecodedSpan, endNsOf, STATUS_ERROR, startNsOf } from "../span.ts";

/** Spans as an OTLP/JSON `ExportTraceServiceRequest`: what `POST /v1/traces` of any collector takes. */
export function toOtlpJson(spans: readonly DecodedSpan[]): object {
  const groups = Map.groupBy(spans, ({ resource, service }) =>
    JSON.stringify(resource ?? { "service.name": service }),
  );
  return {
    resourceSpans: [...groups].map(([resource, own]) => ({
      resource: { attributes: keyValues(JSON.parse(resource) as Attributes) },
      scopeSpans: [{ scope: {}, spans: own.map(toSpan) }],
    })),
  };
}

function toSpan(span: DecodedSpan): object {
  return {
    traceId: span.traceId.toString("hex"),
    spanId: span.spanId.toString("hex"),
    ...(span.parentId && { parentSpanId: span.parentId.toString("hex") }),
    ...(span.traceState && { traceState: span.traceState }),
    name: span.name,
    kind: span.kind,
    startTimeUnixNano: startNsOf(span).toString(),
    endTimeUnixNano: endNsOf(span).toString(),
    attributes: keyValues(span.attributes),
    events: (span.events ?? []).map(({ name, atNs, attributes }) => ({
      name,
      timeUnixNano: atNs,
      attributes: keyValues(attributes),
    })),
    links: span.links.map(({ traceId, spanId, attributes = {} }) => ({
      traceId,
      spanId,
      attributes: keyValues(attributes),
    })),
    status:
      span.status === STATUS_ERROR
        ? { code: 2, message: span.statusMessage }
        : { code: span.status },
  };
}

const keyValues = (attributes: Attributes): object[] =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: anyValue(value) }));

function anyValue(value: unknown): object {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") {
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(anyValue) } };
  if (typeof value === "object" && value !== null)
    return { kvlistValue: { values: keyValues(value as Attributes) } };
  return {};
}
