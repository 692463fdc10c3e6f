import type { Decoded, DecodedLog } from "../span.ts";
import { JsonText } from "./json-text.ts";
import { type Origin, Origins, originOf } from "./origins.ts";
import { readLog } from "./otlp-log.ts";
import { OtlpSpan, readSpan } from "./otlp-span.ts";
import { BYTES, ProtobufReader } from "./protobuf.ts";

const NOBODY = originOf({});

const origins = new Origins();

/**
 * Spans of an OTLP `ExportTraceServiceRequest`, by the field numbers of opentelemetry-proto
 * (collector/trace/v1, trace/v1, resource/v1, common/v1). Unknown fields are passed over; a span
 * without ids of 16 and 8 bytes is left out and counted as `ids`.
 * @param json where attributes are written, behind what is there
 * @throws TraceError ERR_OTLP when the bytes are not that
 */
export function decodeTraces(bytes: Buffer, json = new JsonText()): Decoded {
  const spans: OtlpSpan[] = [];
  let ids = 0;
  forEachRecord(new ProtobufReader(bytes), (from, origin) => {
    const span = new OtlpSpan(origin, json);
    if (readSpan(span, from)) spans.push(span);
    else ids++;
  });
  return { spans, logs: [], refused: ids === 0 ? {} : { ids } };
}

/**
 * Log records of an OTLP `ExportLogsServiceRequest`; one of no trace is left out, counted as `untraced`.
 * @throws TraceError ERR_OTLP when the bytes are not that
 */
export function decodeLogs(bytes: Buffer): Decoded {
  const logs: DecodedLog[] = [];
  let untraced = 0;
  forEachRecord(new ProtobufReader(bytes), (from, { service }) => {
    const log = readLog(from, service);
    if (log.traceId.length === 16) logs.push(log);
    else untraced++;
  });
  return { spans: [], logs, refused: untraced === 0 ? {} : { untraced } };
}

type OnRecord = (from: ProtobufReader, origin: Origin) => void;

/** Both requests are resources (1) of scopes (2) of records (2). */
function forEachRecord(from: ProtobufReader, onRecord: OnRecord): void {
  forEachMessage(from, 1, () => {
    const { at } = from;
    let origin = NOBODY;
    forEachMessage(from, 1, () => (origin = origins.of(from)));
    from.at = at;
    forEachMessage(from, 2, () => forEachMessage(from, 2, () => onRecord(from, origin)));
  });
}

/** Reads every message that is field `number`; `read` may leave it anywhere. */
function forEachMessage(from: ProtobufReader, number: number, read: () => void): void {
  while (from.next()) {
    if (from.number !== number || from.wire !== BYTES) from.skip();
    else {
      const before = from.enter();
      read();
      from.leave(before);
    }
  }
}
