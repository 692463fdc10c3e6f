import type { SpanView, Trace } from "@zeroplane/trace-collector";

const KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"];
const FAILED = 2;
const NS_PER_US = 1_000n;

interface OtlpValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values: readonly OtlpValue[] };
  readonly kvlistValue?: { readonly values: readonly OtlpAttribute[] };
}

interface OtlpAttribute {
  readonly key: string;
  readonly value: OtlpValue;
}

/** A trace as OTLP/JSON (opentelemetry-proto, trace.proto): what the pages and other tools read. */
export function otlpOf({ traceId, spans }: Trace): object {
  const processes = Map.groupBy(spans, ({ service, node }) => `${service}\0${node}`);
  return {
    resourceSpans: [...processes.values()].map((of) => ({
      resource: {
        attributes: attributesOf({
          "service.name": of[0]?.service,
          "service.instance.id": of[0]?.node,
        }),
      },
      scopeSpans: [
        { scope: { name: "zeroplane" }, spans: of.map((span) => spanOf(span, traceId)) },
      ],
    })),
  };
}

function spanOf(span: SpanView, traceId: string): object {
  const { spanId, parentId, name, kind, startMs, durationMs, error, attributes, links } = span;
  const startUs = Math.round(startMs * 1_000);
  const endUs = startUs + Math.round(durationMs * 1_000);
  return {
    traceId,
    spanId,
    ...(parentId !== undefined && { parentSpanId: parentId }),
    name,
    kind: KINDS.indexOf(kind),
    startTimeUnixNano: nanos(startUs),
    endTimeUnixNano: nanos(endUs),
    attributes: attributesOf(attributes),
    links,
    status: error === undefined ? {} : { code: FAILED, message: error.message },
  };
}

/** 64 bits are text in JSON. */
const nanos = (us: number): string => String(BigInt(us) * NS_PER_US);

const attributesOf = (attributes: Readonly<Record<string, unknown>>): OtlpAttribute[] =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: valueOf(value) }));

function valueOf(value: unknown): OtlpValue {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") {
    return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(valueOf) } };
  if (typeof value !== "object" || value === null) return {};
  return { kvlistValue: { values: attributesOf(value as Readonly<Record<string, unknown>>) } };
}
