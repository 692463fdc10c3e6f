import { CALLS_KIND } from "@zeroplane/tracing/wire";
import { toOtlpJson } from "../export/otlp-json.ts";
import { decodeMessage, HTTP_KINDS, type Message, unpackedOf } from "../ingest/decode.ts";
import type { TeeBody } from "./tee.ts";

const JSON_KINDS: ReadonlySet<string> = new Set([HTTP_KINDS.traces.json, HTTP_KINDS.logs.json]);
const LOG_KINDS: ReadonlySet<string> = new Set(Object.values(HTTP_KINDS.logs));

/** A stored message as OTLP: as it came where it is that already; rows of calls become OTLP/JSON. */
export function bodyOf(message: Message): TeeBody {
  if (message.kind === CALLS_KIND) {
    const text = JSON.stringify(toOtlpJson(decodeMessage(message).spans));
    return { signal: "traces", type: "application/json", body: new Uint8Array(Buffer.from(text)) };
  }
  return {
    signal: LOG_KINDS.has(message.kind) ? "logs" : "traces",
    type: JSON_KINDS.has(message.kind) ? "application/json" : "application/x-protobuf",
    body: new Uint8Array(unpackedOf(message)),
  };
}
