import { TraceError } from "../trace-error.ts";

/** Text of what was refused, for a partial success. */
export function refusalText(refused: Readonly<Record<string, number>>): string {
  const words: Readonly<Record<string, string>> = {
    ids: "without a trace id of 16 and a span id of 8 bytes",
    untraced: "log records of no trace",
    future: "more than ten minutes ahead of this machine's clock",
    old: "older than what is kept",
  };
  return Object.entries(refused)
    .map(([reason, count]) => `${count} ${words[reason] ?? reason}`)
    .join("; ");
}

/** An `ExportTraceServiceResponse` or `ExportLogsServiceResponse`, as protobuf: both look the same. */
export function protobufSuccess(rejected: number, message: string): Buffer {
  if (rejected === 0) return Buffer.alloc(0);
  const partial = Buffer.concat([Buffer.from([0x08]), varint(rejected), textField(2, message)]);
  return Buffer.concat([Buffer.from([0x0a]), varint(partial.length), partial]);
}

const GRPC_CODES: Readonly<Record<string, number>> = {
  ERR_OTLP: 3,
  ERR_TOO_LARGE: 8,
  ERR_BUSY: 14,
  ERR_STORE_FULL: 8,
};
const UNKNOWN = 2;

/** A `google.rpc.Status` as protobuf. */
export function protobufStatus(code: string, message: string): Buffer {
  return Buffer.concat([
    Buffer.from([0x08]),
    varint(GRPC_CODES[code] ?? UNKNOWN),
    textField(2, message),
  ]);
}

function textField(number: number, text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return Buffer.from([...bytes, value]);
}

const STATUS: Readonly<Record<string, number>> = {
  ERR_NOT_FOUND: 404,
  ERR_OTLP: 400,
  ERR_QUERY: 400,
  ERR_TOO_LARGE: 413,
  FST_ERR_CTP_BODY_TOO_LARGE: 413,
  ERR_MEDIA_TYPE: 415,
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 415,
  ERR_BUSY: 429,
  ERR_STORE_FULL: 503,
  ERR_CLOSED: 503,
};

/** An error as RFC 9457 problem details; what nobody foresaw is 500, and says no more than that. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
}

export function problemOf(error: unknown): Problem {
  const {
    code = "ERR_INTERNAL",
    message,
    statusCode,
  } = error as { code?: string; message: string; statusCode?: number };
  const status = STATUS[code] ?? (statusCode !== undefined && statusCode < 500 ? statusCode : 500);
  const isOurs = error instanceof TraceError || status < 500;
  const detail = isOurs ? message : "the collector failed; its log says why";
  return { type: `urn:zeroplane:${code}`, title: "TraceError", status, detail, code };
}
