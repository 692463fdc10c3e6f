import {
  type Attributes,
  type Decoded,
  type DecodedLog,
  type DecodedSpan,
  STATUS_ERROR,
} from "../span.ts";
import { TraceError } from "../trace-error.ts";
import { type Field, fieldsOf } from "./protobuf.ts";

const DEPTH_MAX = 16;
const NO_BYTES = Buffer.alloc(0);

interface Origin {
  readonly service: string;
  readonly node: string;
  readonly resource: Attributes;
}

type Open<T> = { -readonly [K in keyof T]: T[K] };
type Setters<T> = Readonly<Record<number, (to: Open<T>, field: Field) => void>>;

/**
 * Spans of an OTLP `ExportTraceServiceRequest`, by the field numbers of opentelemetry-proto
 * (collector/trace/v1, trace/v1, resource/v1, common/v1). Unknown fields are passed over; a span
 * without ids of 16 and 8 bytes is left out and counted as `ids`.
 * @throws TraceError ERR_OTLP when the bytes are not that
 */
export function decodeTraces(bytes: Buffer): Decoded {
  const { found, refused } = decodeRecords(bytes, decodeSpan);
  return { spans: found, logs: [], refused };
}

/**
 * Log records of an OTLP `ExportLogsServiceRequest`; one of no trace is left out, counted as `untraced`.
 * @throws TraceError ERR_OTLP when the bytes are not that
 */
export function decodeLogs(bytes: Buffer): Decoded {
  const { found, refused } = decodeRecords(bytes, decodeLog);
  return { spans: [], logs: found, refused };
}

/** Both requests are resources of scopes of records, with the same numbers. */
function decodeRecords<T>(
  bytes: Buffer,
  decode: (bytes: Buffer, origin: Origin) => T | string,
): { readonly found: T[]; readonly refused: Record<string, number> } {
  const found: T[] = [];
  const refused: Record<string, number> = {};
  for (const { number, bytes: group } of fieldsOf(bytes)) {
    if (number !== 1) continue;
    const { origin, scopes } = groupOf(group);
    for (const scope of scopes) {
      for (const field of fieldsOf(scope)) {
        if (field.number !== 2) continue;
        const record = decode(field.bytes, origin);
        if (typeof record === "string") refused[record] = (refused[record] ?? 0) + 1;
        else found.push(record);
      }
    }
  }
  return { found, refused };
}

function groupOf(bytes: Buffer): { readonly origin: Origin; readonly scopes: Buffer[] } {
  let resource: Attributes = {};
  const scopes: Buffer[] = [];
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) resource = attributesOf(field.bytes, 1);
    if (field.number === 2) scopes.push(field.bytes);
  }
  return { origin: originOf(resource), scopes };
}

/** Who says so, by the attributes of a resource. */
export function originOf(resource: Attributes): Origin {
  const service = textOf(resource["service.name"]) ?? "unknown";
  const node = textOf(resource["service.instance.id"]) ?? service;
  return { service, node, resource };
}

const textOf = (value: unknown): string | undefined =>
  typeof value === "string" ? value : undefined;

const SPAN: Setters<DecodedSpan> = {
  1: (span, { bytes }) => void (span.traceId = bytes),
  2: (span, { bytes }) => void (span.spanId = bytes),
  3: (span, { bytes }) => void (span.traceState = bytes.toString()),
  4: (span, { bytes }) => void (span.parentId = bytes.length === 8 ? bytes : undefined),
  5: (span, { bytes }) => void (span.name = bytes.toString()),
  6: (span, { value }) => void (span.kind = Number(value)),
  7: (span, { value }) => void (span.startNs = value),
  8: (span, { value }) => void (span.endNs = value),
  9: (span, { bytes }) => addKeyValue(span.attributes, bytes, 0),
  11: (span, { bytes }) => void (span.events as unknown[]).push(decodeEvent(bytes)),
  13: (span, { bytes }) => void (span.links as unknown[]).push(decodeLink(bytes)),
  15: (span, { bytes }) => {
    for (const field of fieldsOf(bytes)) {
      if (field.number === 2) span.statusMessage = field.bytes.toString();
      if (field.number === 3)
        span.status = Number(field.value) === STATUS_ERROR ? 2 : Number(field.value & 1n);
    }
  },
};

function decodeSpan(bytes: Buffer, origin: Origin): DecodedSpan | string {
  const span: Open<DecodedSpan> = {
    ...origin,
    traceId: NO_BYTES,
    spanId: NO_BYTES,
    parentId: undefined,
    name: "",
    kind: 0,
    startNs: 0n,
    endNs: 0n,
    attributes: Object.create(null) as Attributes,
    links: [],
    events: [],
    status: 0,
    statusMessage: "",
  };
  for (const field of fieldsOf(bytes)) SPAN[field.number]?.(span, field);
  return span.traceId.length === 16 && span.spanId.length === 8 ? span : "ids";
}

const LOG: Setters<DecodedLog> = {
  1: (log, { value }) => void (log.atNs = value),
  2: (log, { value }) => void (log.severity = Number(value)),
  5: (log, { bytes }) => void (log.body = anyValue(bytes, 0)),
  6: (log, { bytes }) => addKeyValue(log.attributes, bytes, 0),
  9: (log, { bytes }) => void (log.traceId = bytes),
  10: (log, { bytes }) => void (log.spanId = bytes.length === 8 ? bytes : undefined),
  11: (log, { value }) => void (log.atNs ||= value),
};

function decodeLog(bytes: Buffer, { service }: Origin): DecodedLog | string {
  const log: Open<DecodedLog> = {
    traceId: NO_BYTES,
    spanId: undefined,
    service,
    atNs: 0n,
    severity: 0,
    body: null,
    attributes: Object.create(null) as Attributes,
  };
  for (const field of fieldsOf(bytes)) LOG[field.number]?.(log, field);
  return log.traceId.length === 16 ? log : "untraced";
}

function decodeLink(bytes: Buffer): DecodedSpan["links"][number] {
  let [traceId, spanId] = ["", ""];
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) traceId = field.bytes.toString("hex");
    if (field.number === 2) spanId = field.bytes.toString("hex");
  }
  return { traceId, spanId, attributes: attributesOf(bytes, 4) };
}

function decodeEvent(bytes: Buffer): NonNullable<DecodedSpan["events"]>[number] {
  let [name, atNs] = ["", "0"];
  for (const field of fieldsOf(bytes)) {
    if (field.number === 1) atNs = field.value.toString();
    if (field.number === 2) name = field.bytes.toString();
  }
  return { name, atNs, attributes: attributesOf(bytes, 3) };
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
