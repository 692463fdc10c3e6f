import { fieldsOf } from "./protobuf.ts";
import { TraceError } from "./trace-error.ts";

/** Values of attributes. */
export type Attributes = Record<string, unknown>;

/** One span of an export request, with what its process says of itself. */
export interface DecodedSpan {
  readonly traceId: Buffer;
  readonly spanId: Buffer;
  readonly parentId: Buffer | undefined;
  readonly service: string;
  readonly node: string;
  readonly name: string;
  readonly kind: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Attributes;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 0 unset, 1 ok, 2 error. */
  readonly status: number;
  readonly statusMessage: string;
}

const DEPTH_MAX = 16;

/**
 * Spans of an OTLP `ExportTraceServiceRequest`, by the field numbers of opentelemetry-proto
 * (collector/trace/v1, trace/v1, resource/v1, common/v1). Unknown fields are passed over.
 * @throws TraceError ERR_OTLP when the bytes are not that
 */
export function decodeSpans(bytes: Buffer): DecodedSpan[] {
  const spans: DecodedSpan[] = [];
  for (const { number, bytes: resourceSpans } of fieldsOf(bytes)) {
    if (number === 1) decodeResourceSpans(resourceSpans, spans);
  }
  return spans;
}

function decodeResourceSpans(bytes: Buffer, spans: DecodedSpan[]): void {
  let resource: Attributes = {};
  const scopes: Buffer[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) resource = attributesOf(field.bytes, 1);
    if (field.number === 2) scopes.push(field.bytes);
  }
  const service = textOf(resource["service.name"]) ?? "unknown";
  const node = textOf(resource["service.instance.id"]) ?? service;
  for (const scope of scopes) {
    for (const field of fieldsOf(scope)) {
      if (field.number === 2) spans.push(decodeSpan(field.bytes, { service, node }));
    }
  }
}

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" ? value : undefined;

interface MutableSpan extends Omit<DecodedSpan, "links"> {
  links: DecodedSpan["links"];
}

type Setter = (
  span: { -readonly [K in keyof MutableSpan]: MutableSpan[K] },
  value: bigint,
  bytes: Buffer,
) => void;

const SETTERS: Readonly<Record<number, Setter>> = {
  1: (span, _value, bytes) => void (span.traceId = bytes),
  2: (span, _value, bytes) => void (span.spanId = bytes),
  4: (span, _value, bytes) => void (span.parentId = bytes.length === 8 ? bytes : undefined),
  5: (span, _value, bytes) => void (span.name = bytes.toString()),
  6: (span, value) => void (span.kind = Number(value)),
  7: (span, value) => void (span.startNs = value),
  8: (span, value) => void (span.endNs = value),
  9: (span, _value, bytes) => addKeyValue(span.attributes, bytes, 0),
  13: (span, _value, bytes) => void (span.links = [...span.links, decodeLink(bytes)]),
  15: (span, _value, bytes) => {
    for (const field of fieldsOf(bytes)) {
      if (field.number === 2) span.statusMessage = field.bytes.toString();
      if (field.number === 3) span.status = Number(field.value);
    }
  },
};

function decodeSpan(
  bytes: Buffer,
  of: { readonly service: string; readonly node: string },
): DecodedSpan {
  const none = Buffer.alloc(0);
  const span = {
    ...of,
    traceId: none,
    spanId: none,
    parentId: undefined,
    name: "",
    kind: 0,
    startNs: 0n,
    endNs: 0n,
    attributes: Object.create(null) as Attributes,
    links: [],
    status: 0,
    statusMessage: "",
  };
  for (const field of fieldsOf(bytes)) SETTERS[field.number]?.(span, field.value, field.bytes);
  if (span.traceId.length !== 16 || span.spanId.length !== 8) {
    throw new TraceError("ERR_OTLP", "a span without a trace id of 16 and a span id of 8 bytes");
  }
  return span;
}

function decodeLink(bytes: Buffer): { readonly traceId: string; readonly spanId: string } {
  let [traceId, spanId] = ["", ""];
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) traceId = field.bytes.toString("hex");
    if (field.number === 2) spanId = field.bytes.toString("hex");
  }
  return { traceId, spanId };
}

/** The `KeyValue`s that are field `at` of a message. */
function attributesOf(bytes: Buffer, at: number, depth = 0): Attributes {
  const attributes = Object.create(null) as Attributes;
  for (const field of fieldsOf(bytes)) {
    if (field.number === at) addKeyValue(attributes, field.bytes, depth);
  }
  return attributes;
}

function addKeyValue(attributes: Attributes, bytes: Buffer, depth: number): void {
  let key = "";
  let value: unknown = null;
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) key = field.bytes.toString();
    if (field.number === 2) value = anyValue(field.bytes, depth);
  }
  attributes[key] = value;
}

/** An `AnyValue`: string, bool, int, double, array, map or bytes. */
function anyValue(bytes: Buffer, depth: number): unknown {
  if (depth > DEPTH_MAX)
    throw new TraceError("ERR_OTLP", `a value nested deeper than ${DEPTH_MAX}`);
  for (const { number, value, bytes: inner } of fieldsOf(bytes)) {
    if (number === 1) return inner.toString();
    if (number === 2) return value !== 0n;
    if (number === 3) return integer(BigInt.asIntN(64, value));
    if (number === 4) return toDouble(value);
    if (number === 5) return [...fieldsOf(inner)].map((each) => anyValue(each.bytes, depth + 1));
    if (number === 6) return attributesOf(inner, 1, depth + 1);
    if (number === 7) return inner.toString("base64");
  }
  return null;
}

/** JSON knows no bigint: what a double cannot hold is text. */
function integer(value: bigint): number | string {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

function toDouble(bits: bigint): number {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(bits);
  return bytes.readDoubleLE();
}
