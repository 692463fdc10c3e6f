import type { Attributes, DecodedLog } from "../span.ts";
import { endObject, writeKeyValue, writeValue } from "./any-value.ts";
import { type Fields, readFields } from "./fields.ts";
import { JsonText } from "./json-text.ts";
import { BYTES, FIXED64, type ProtobufReader, VARINT } from "./protobuf.ts";

const NO_BYTES = Buffer.alloc(0);

interface Draft {
  traceId: Buffer;
  spanId: Buffer | undefined;
  atNs: bigint;
  severity: number;
  body: unknown;
  readonly json: JsonText;
}

const LOG: Fields<Draft> = {
  1: [FIXED64, (log, from) => void (log.atNs = from.fixed64().exact)],
  2: [VARINT, (log, from) => void (log.severity = from.varint())],
  5: [BYTES, readBody],
  6: [BYTES, ({ json }, from) => writeKeyValue(from, json, 0)],
  9: [BYTES, (log, from) => void (log.traceId = from.slice())],
  10: [BYTES, readSpanId],
  11: [FIXED64, readObserved],
};

/** The `LogRecord` that is read; of no trace when its id of a trace has not 16 bytes. */
export function readLog(from: ProtobufReader, service: string): DecodedLog {
  const draft: Draft = {
    traceId: NO_BYTES,
    spanId: undefined,
    atNs: 0n,
    severity: 0,
    body: null,
    json: new JsonText(),
  };
  const { json, ...log } = readFields(LOG, draft, from);
  endObject(json, 0);
  return { ...log, service, attributes: json.parsed() as Attributes };
}

function readBody(log: Draft, from: ProtobufReader): void {
  const before = from.enter();
  const json = new JsonText();
  writeValue(from, json);
  log.body = json.parsed();
  from.leave(before);
}

function readSpanId(log: Draft, from: ProtobufReader): void {
  const id = from.slice();
  log.spanId = id.length === 8 ? id : undefined;
}

/** When it was seen counts where nothing tells when it was. */
function readObserved(log: Draft, from: ProtobufReader): void {
  const { exact } = from.fixed64();
  if (log.atNs === 0n) log.atNs = exact;
}
