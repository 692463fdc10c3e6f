import {
  type Attributes,
  type DecodedSpan,
  type SpanEvent,
  type SpanLink,
  STATUS_ERROR,
} from "../span.ts";
import { endObject, writeKeyValue } from "./any-value.ts";
import { type Fields, readFields, readMessage } from "./fields.ts";
import { type JsonPart, JsonText } from "./json-text.ts";
import { Names } from "./names.ts";
import type { Origin } from "./origins.ts";
import { BYTES, FIXED64, type ProtobufReader, VARINT } from "./protobuf.ts";

const NO_BYTES = Buffer.alloc(0);
const NONE: never[] = [];
const KIND_MAX = 5;
const WORD = 2 ** 32;
const NS_PER_US = 1_000;

/** A span as it is read from bytes: its attributes are JSON, and an object only when somebody asks for them. */
export class OtlpSpan implements DecodedSpan {
  traceId: Buffer = NO_BYTES;
  spanId: Buffer = NO_BYTES;
  parentId: Buffer | undefined = undefined;
  readonly service: string;
  readonly node: string;
  readonly resource: Attributes;
  name = "";
  kind = 0;
  startUs = 0;
  startSub = 0;
  durationNs = 0;
  endUs = 0;
  endSub = 0;
  links: SpanLink[] = NONE;
  events: SpanEvent[] = NONE;
  status = 0;
  statusMessage = "";
  traceState = "";
  readonly attributesJson: JsonPart & { to: number };

  /** @param json where its attributes are written */
  constructor({ service, node, resource }: Origin, json: JsonText) {
    this.service = service;
    this.node = node;
    this.resource = resource;
    this.attributesJson = { of: json, from: json.length, to: json.length };
  }

  get attributes(): Attributes {
    const { of, from, to } = this.attributesJson;
    return of.parsed(from, to) as Attributes;
  }
}

const names = new Names();

const STATUS: Fields<OtlpSpan> = {
  2: [BYTES, (span, from) => void (span.statusMessage = from.text())],
  3: [
    VARINT,
    (span, from) => {
      const code = from.varint();
      span.status = code === STATUS_ERROR ? code : code & 1;
    },
  ],
};

const SPAN: Fields<OtlpSpan> = {
  1: [BYTES, (span, from) => void (span.traceId = from.slice())],
  2: [BYTES, (span, from) => void (span.spanId = from.slice())],
  3: [BYTES, (span, from) => void (span.traceState = from.text())],
  4: [BYTES, readParent],
  5: [BYTES, readName],
  6: [VARINT, readKind],
  7: [FIXED64, readStart],
  8: [FIXED64, readEnd],
  9: [BYTES, (span, from) => writeKeyValue(from, span.attributesJson.of, span.attributesJson.from)],
  11: [BYTES, (span, from) => void (span.events = added(span.events, readEvent(from)))],
  13: [BYTES, (span, from) => void (span.links = added(span.links, readLink(from)))],
  15: [BYTES, (span, from) => void readMessage(STATUS, span, from)],
};

/** Reads the `Span` that is read into `span`. @returns false when its ids are none */
export function readSpan(span: OtlpSpan, from: ProtobufReader): boolean {
  const { attributesJson: json } = span;
  readFields(SPAN, span, from);
  if (span.traceId.length !== 16 || span.spanId.length !== 8) {
    json.of.length = json.from;
    return false;
  }
  endObject(json.of, json.from);
  json.to = json.of.length;
  const ns = (span.endUs - span.startUs) * NS_PER_US + span.endSub - span.startSub;
  span.durationNs = Math.max(0, Math.min(ns, Number.MAX_SAFE_INTEGER));
  return true;
}

function readParent(span: OtlpSpan, from: ProtobufReader): void {
  const id = from.slice();
  span.parentId = id.length === 8 ? id : undefined;
}

function readName(span: OtlpSpan, from: ProtobufReader): void {
  const end = from.length();
  span.name = names.of(from.bytes, from.at, end);
  from.at = end;
}

function readKind(span: OtlpSpan, from: ProtobufReader): void {
  const kind = from.varint();
  span.kind = kind <= KIND_MAX ? kind : 0;
}

function readStart(span: OtlpSpan, from: ProtobufReader): void {
  from.fixed64();
  span.startUs = microseconds(from);
  span.startSub = beyond(from);
}

function readEnd(span: OtlpSpan, from: ProtobufReader): void {
  from.fixed64();
  span.endUs = microseconds(from);
  span.endSub = beyond(from);
}

/** Nanoseconds of 64 bits do not fit a double; a thousandth of them does, and is divided in two steps. */
const microseconds = ({ high, low }: ProtobufReader): number =>
  Math.floor(high / NS_PER_US) * WORD + Math.floor(((high % NS_PER_US) * WORD + low) / NS_PER_US);

const beyond = ({ high, low }: ProtobufReader): number =>
  ((high % NS_PER_US) * WORD + low) % NS_PER_US;

interface Draft {
  /** Attributes so far. */
  readonly json: JsonText;
}

const LINK: Fields<Draft & { traceId: string; spanId: string }> = {
  1: [BYTES, (link, from) => void (link.traceId = from.slice().toString("hex"))],
  2: [BYTES, (link, from) => void (link.spanId = from.slice().toString("hex"))],
  4: [BYTES, ({ json }, from) => writeKeyValue(from, json, 0)],
};

const EVENT: Fields<Draft & { name: string; atNs: string }> = {
  1: [FIXED64, (event, from) => void (event.atNs = from.fixed64().exact.toString())],
  2: [BYTES, (event, from) => void (event.name = from.text())],
  3: [BYTES, ({ json }, from) => writeKeyValue(from, json, 0)],
};

function readLink(from: ProtobufReader): SpanLink {
  const draft = { traceId: "", spanId: "", json: new JsonText() };
  const { traceId, spanId, json } = readMessage(LINK, draft, from);
  return { traceId, spanId, attributes: parsed(json) };
}

function readEvent(from: ProtobufReader): SpanEvent {
  const draft = { name: "", atNs: "0", json: new JsonText() };
  const { name, atNs, json } = readMessage(EVENT, draft, from);
  return { name, atNs, attributes: parsed(json) };
}

function parsed(json: JsonText): Attributes {
  endObject(json, 0);
  return json.parsed() as Attributes;
}

/** Most have none, which is one list for all. */
function added<T>(list: T[], one: T): T[] {
  if (list === NONE) return [one];
  list.push(one);
  return list;
}
