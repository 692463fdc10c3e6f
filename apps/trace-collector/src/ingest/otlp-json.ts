import {
  type Attributes,
  type Decoded,
  type DecodedLog,
  type DecodedSpan,
  timesOf,
} from "../span.ts";
import { TraceError } from "../trace-error.ts";
import { type Origin, originOf } from "./origins.ts";

const DEPTH_MAX = 16;
const UINT64_MAX = (1n << 64n) - 1n;

type Json = Readonly<Record<string, unknown>>;

/**
 * Spans of an OTLP/JSON `ExportTraceServiceRequest`: hex ids, lowerCamelCase names.
 * @throws TraceError ERR_OTLP that names what is wrong and where
 */
export function decodeTracesJson(text: string): Decoded {
  const { found, refused } = records(text, ["resourceSpans", "scopeSpans", "spans"], toSpan);
  return { spans: found, logs: [], refused };
}

/**
 * Log records of an OTLP/JSON `ExportLogsServiceRequest`.
 * @throws TraceError ERR_OTLP that names what is wrong and where
 */
export function decodeLogsJson(text: string): Decoded {
  const { found, refused } = records(text, ["resourceLogs", "scopeLogs", "logRecords"], toLog);
  return { spans: [], logs: found, refused };
}

function records<T>(
  text: string,
  [groups, scopes, each]: readonly [string, string, string],
  convert: (record: Json, origin: Origin, at: string) => T | string,
): { readonly found: T[]; readonly refused: Record<string, number> } {
  const found: T[] = [];
  const refused: Record<string, number> = {};
  const body = object(parse(text), "the body");
  for (const [g, group] of list(body, groups, "the body")) {
    const resource = group["resource"] === undefined ? {} : object(group["resource"], "resource");
    const origin = originOf(attributesOf(resource, `${groups}[${g}].resource`));
    for (const [s, scope] of list(group, scopes, `${groups}[${g}]`)) {
      const at = `${groups}[${g}].${scopes}[${s}]`;
      for (const [r, record] of list(scope, each, at)) {
        const made = convert(record, origin, `${at}.${each}[${r}]`);
        if (typeof made === "string") refused[made] = (refused[made] ?? 0) + 1;
        else found.push(made);
      }
    }
  }
  return { found, refused };
}

function toSpan(json: Json, origin: Origin, at: string): DecodedSpan | string {
  const traceId = id(json["traceId"], 16);
  const spanId = id(json["spanId"], 8);
  if (traceId === undefined || spanId === undefined) return "ids";
  const status = json["status"] === undefined ? {} : object(json["status"], `${at}.status`);
  return {
    ...origin,
    traceId,
    spanId,
    parentId: id(json["parentSpanId"], 8),
    name: text(json["name"]),
    kind: enumOf(json["kind"], KINDS),
    ...timesOf(
      nanoseconds(json["startTimeUnixNano"], `${at}.startTimeUnixNano`),
      nanoseconds(json["endTimeUnixNano"], `${at}.endTimeUnixNano`),
    ),
    attributes: attributesOf(json, at),
    links: [...list(json, "links", at)].map(([, link]) => ({
      traceId: text(link["traceId"]),
      spanId: text(link["spanId"]),
      attributes: attributesOf(link, `${at}.links`),
    })),
    events: [...list(json, "events", at)].map(([, event]) => ({
      name: text(event["name"]),
      atNs: nanoseconds(event["timeUnixNano"], `${at}.events`).toString(),
      attributes: attributesOf(event, `${at}.events`),
    })),
    status: enumOf(status["code"], STATUSES),
    statusMessage: text(status["message"]),
    traceState: text(json["traceState"]),
  };
}

function toLog(json: Json, { service }: Origin, at: string): DecodedLog | string {
  const traceId = id(json["traceId"], 16);
  if (traceId === undefined) return "untraced";
  const time = json["timeUnixNano"] ?? json["observedTimeUnixNano"];
  return {
    traceId,
    spanId: id(json["spanId"], 8),
    service,
    atNs: nanoseconds(time, `${at}.timeUnixNano`),
    severity: typeof json["severityNumber"] === "number" ? json["severityNumber"] : 0,
    body: json["body"] === undefined ? null : anyValue(json["body"], at, 0),
    attributes: attributesOf(json, at),
  };
}

const KINDS = ["UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"];
const STATUSES = ["UNSET", "OK", "ERROR"];

/** OTLP/JSON says numbers; names of enums are taken too. */
function enumOf(value: unknown, names: readonly string[]): number {
  if (typeof value === "string") return Math.max(0, names.indexOf(value.replace(/^.*_/, "")));
  return Number.isInteger(value) && Number(value) > 0 && Number(value) < names.length
    ? Number(value)
    : 0;
}

function refuse(what: string): never {
  throw new TraceError("ERR_OTLP", `not OTLP JSON: ${what}`);
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    return refuse((error as Error).message);
  }
}

function object(value: unknown, at: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return refuse(`${at} is no object`);
  }
  return value as Json;
}

function* list(of: Json, name: string, at: string): Generator<[number, Json]> {
  const value = of[name] ?? [];
  if (!Array.isArray(value)) refuse(`${at}.${name} is no array`);
  for (const [index, each] of value.entries())
    yield [index, object(each, `${at}.${name}[${index}]`)];
}

const text = (value: unknown): string => (typeof value === "string" ? value : "");

function id(value: unknown, length: number): Buffer | undefined {
  const isHex =
    typeof value === "string" && value.length === 2 * length && /^[\da-f]+$/i.test(value);
  return isHex ? Buffer.from(value, "hex") : undefined;
}

function nanoseconds(value: unknown, at: string): bigint {
  const digits =
    typeof value === "number" && value >= 0 ? BigInt(Math.round(value)).toString() : value;
  if (digits === undefined) return 0n;
  if (typeof digits !== "string" || !/^\d{1,20}$/.test(digits) || BigInt(digits) > UINT64_MAX) {
    return refuse(`${at} is no number of nanoseconds`);
  }
  return BigInt(digits);
}

function attributesOf(of: Json, at: string, depth = 0): Attributes {
  const attributes = Object.create(null) as Attributes;
  for (const [index, each] of list(of, "attributes", at)) {
    if (typeof each["key"] !== "string") refuse(`${at}.attributes[${index}] has no key`);
    attributes[each["key"] as string] = anyValue(each["value"], at, depth);
  }
  return attributes;
}

function anyValue(of: unknown, at: string, depth: number): unknown {
  if (depth > DEPTH_MAX) refuse(`${at} has a value nested deeper than ${DEPTH_MAX}`);
  if (of === undefined || of === null) return null;
  const any = object(of, `a value in ${at}`);
  if (any["stringValue"] !== undefined) return text(any["stringValue"]);
  if (any["boolValue"] !== undefined) return any["boolValue"] === true;
  if (any["intValue"] !== undefined) {
    const value = any["intValue"];
    const number = Number(value);
    return Number.isSafeInteger(number) || typeof value !== "string" ? number : value;
  }
  if (any["doubleValue"] !== undefined) return Number(any["doubleValue"]);
  if (any["arrayValue"] !== undefined) {
    const array = object(any["arrayValue"], `a value in ${at}`);
    return [...list(array, "values", at)].map(([, each]) => anyValue(each, at, depth + 1));
  }
  if (any["kvlistValue"] !== undefined) {
    const { values } = object(any["kvlistValue"], `a value in ${at}`);
    return attributesOf({ attributes: values }, at, depth + 1);
  }
  return any["bytesValue"] ?? null;
}
