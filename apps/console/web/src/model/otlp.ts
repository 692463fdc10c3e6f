/** As much of OTLP/JSON (opentelemetry-proto, trace.proto) as the pages read. */
export interface OtlpTrace {
  readonly resourceSpans?: readonly OtlpResourceSpans[];
}

interface OtlpResourceSpans {
  readonly resource?: { readonly attributes?: readonly OtlpAttribute[] };
  readonly scopeSpans?: readonly { readonly spans?: readonly OtlpSpan[] }[];
}

/** A key with a value of one of OTLP's types. */
export interface OtlpAttribute {
  readonly key: string;
  readonly value?: OtlpValue;
}

interface OtlpValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string | number;
  readonly doubleValue?: number;
  readonly bytesValue?: string;
  readonly arrayValue?: { readonly values?: readonly OtlpValue[] };
  readonly kvlistValue?: { readonly values?: readonly OtlpAttribute[] };
}

export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly kind?: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes?: readonly OtlpAttribute[];
  readonly events?: readonly {
    readonly name: string;
    readonly timeUnixNano?: string;
    readonly attributes?: readonly OtlpAttribute[];
  }[];
  readonly links?: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly status?: { readonly code?: number; readonly message?: string };
}

/** Attributes with plain values. */
export type Attributes = Readonly<Record<string, unknown>>;

/** A span with the process that it was in. */
export interface FoundSpan {
  readonly span: OtlpSpan;
  readonly service: string;
  readonly node: string;
}

/** Every span of a trace, in the order of the file. */
export function spansOf(trace: OtlpTrace): FoundSpan[] {
  const found: FoundSpan[] = [];
  for (const { resource, scopeSpans = [] } of trace.resourceSpans ?? []) {
    const about = attributesOf(resource?.attributes);
    const service = textOf(about["service.name"]) ?? "unknown";
    const node = textOf(about["service.instance.id"]) ?? service;
    for (const { spans = [] } of scopeSpans) {
      for (const span of spans) found.push({ span, service, node });
    }
  }
  return found;
}

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" ? value : undefined;

/** Attributes as plain values. */
export function attributesOf(attributes: readonly OtlpAttribute[] = []): Attributes {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, plain(value)]));
}

function plain(value: OtlpValue = {}): unknown {
  if (value.arrayValue !== undefined) return (value.arrayValue.values ?? []).map(plain);
  if (value.kvlistValue !== undefined) return attributesOf(value.kvlistValue.values);
  if (value.intValue !== undefined) return Number(value.intValue);
  return value.stringValue ?? value.boolValue ?? value.doubleValue ?? value.bytesValue;
}

const NS_DIGITS = 9;

/** A time since 1970 in two numbers: nanoseconds do not fit into one. */
export interface Instant {
  readonly seconds: number;
  readonly ns: number;
}

/** The instant that OTLP names in decimal nanoseconds. */
export const instantOf = (unixNano: string): Instant => ({
  seconds: Number(unixNano.slice(0, -NS_DIGITS)),
  ns: Number(unixNano.slice(-NS_DIGITS)),
});

/** Milliseconds from `a` to `b`. */
export const msBetween = (a: Instant, b: Instant): number =>
  (b.seconds - a.seconds) * 1_000 + (b.ns - a.ns) / 1e6;
