import { gunzipSync, zstdDecompressSync } from "node:zlib";
import {
  CALLS_KIND,
  OPEN_KIND,
  type OpenReport,
  readOpenReport,
  SPANS_KIND,
} from "@zeroplane/tracing/wire";
import type { Decoded } from "../span.ts";
import { TraceError } from "../trace-error.ts";
import { spansOfCalls } from "./calls.ts";
import type { JsonText } from "./json-text.ts";
import { decodeLogsJson, decodeTracesJson } from "./otlp-json.ts";
import { decodeLogs, decodeTraces } from "./otlp-protobuf.ts";

/** What a message is, and how it is packed. */
export interface Message {
  readonly kind: string;
  readonly encoding?: string | undefined;
  readonly body: Uint8Array;
}

/** Largest message once it is unpacked, bytes. */
export const UNPACKED_BYTES_MAX = 64 * 1024 * 1024;

/** Kinds of HTTP bodies, beside those of the pipe. */
export const HTTP_KINDS = {
  traces: { protobuf: "otlp-traces", json: "otlp-traces-json" },
  logs: { protobuf: "otlp-logs", json: "otlp-logs-json" },
} as const;

const limit = { maxOutputLength: UNPACKED_BYTES_MAX };
const UNPACK: Readonly<Record<string, (body: Buffer) => Buffer>> = {
  identity: (body) => body,
  gzip: (body) => gunzipSync(body, limit),
  zstd: (body) => zstdDecompressSync(body, limit),
};

/** Encodings that {@link decodeMessage} can unpack. */
export const ENCODINGS = Object.keys(UNPACK);

const DECODE: Readonly<Record<string, (body: Buffer, json?: JsonText) => Decoded>> = {
  [SPANS_KIND]: (body, json) => decodeTraces(unpack("zstd", body), json),
  [CALLS_KIND]: (body) => ({ spans: callsOf(body), logs: [], refused: {} }),
  [OPEN_KIND]: (body) => ({ spans: [], logs: [], refused: {}, open: openOf(body) }),
  [HTTP_KINDS.traces.protobuf]: decodeTraces,
  [HTTP_KINDS.traces.json]: (body) => decodeTracesJson(body.toString()),
  [HTTP_KINDS.logs.protobuf]: decodeLogs,
  [HTTP_KINDS.logs.json]: (body) => decodeLogsJson(body.toString()),
};

/**
 * What a message holds.
 * @param json where attributes are written that are bytes, behind what is there
 * @throws TraceError ERR_KIND, ERR_OTLP, ERR_CALLS, ERR_OPEN or ERR_TOO_LARGE
 */
export function decodeMessage(
  { kind, encoding = "identity", body }: Message,
  json?: JsonText,
): Decoded {
  const decode = DECODE[kind];
  if (decode === undefined)
    throw new TraceError("ERR_KIND", `messages of kind ${JSON.stringify(kind)}`);
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return decode(unpack(encoding, bytes), json);
}

/** The bytes of a message as they were before they were packed. */
export function unpackedOf({ kind, encoding = "identity", body }: Message): Buffer {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  return unpack(kind === SPANS_KIND ? "zstd" : encoding, bytes);
}

function unpack(encoding: string, body: Buffer): Buffer {
  try {
    return (UNPACK[encoding] ?? noSuch)(body);
  } catch (error) {
    if ((error as { code?: unknown }).code === "ERR_BUFFER_TOO_LARGE") {
      throw new TraceError(
        "ERR_TOO_LARGE",
        `more than ${UNPACKED_BYTES_MAX} bytes when unpacked; send smaller batches`,
      );
    }
    throw new TraceError("ERR_OTLP", `not ${encoding}: ${(error as Error).message}`);
  }
}

function noSuch(): never {
  throw new Error(`use one of ${ENCODINGS.join(", ")}`);
}

function openOf(body: Buffer): OpenReport {
  try {
    return readOpenReport(body);
  } catch (error) {
    const text = `not a report of open spans: ${(error as Error).message}`;
    throw new TraceError("ERR_OPEN", text, { cause: error });
  }
}

function callsOf(body: Buffer): ReturnType<typeof spansOfCalls> {
  try {
    return spansOfCalls(body);
  } catch (error) {
    throw new TraceError("ERR_CALLS", `not rows of calls: ${(error as Error).message}`, {
      cause: error,
    });
  }
}
