import { decode, encode } from "@zeroplane/link/codec";
import type { RowAttributes } from "./call-rows.ts";

/** Kind of a pipe message that tells which spans of a process have not ended (docs/protocol.md). */
export const OPEN_KIND = "open-spans";

/** Spans of one report; the longest open are told. */
export const REPORT_SPANS_MAX = 1_000;

/** A span that has not ended. */
export interface OpenSpan {
  readonly traceId: Uint8Array;
  readonly spanId: Uint8Array;
  readonly parentId: Uint8Array | undefined;
  readonly name: string;
  /** As in OTLP: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  /** Time of day, milliseconds. */
  readonly startMs: number;
}

/** What is missing of a process that was killed. */
export interface SpoolHole {
  /** Spans that were recorded and are gone, as far as they were counted. */
  readonly spans: number;
  /** Bytes at the end of its spool that were not whole. */
  readonly bytes: number;
  /** Up to when everything is there, time of day in milliseconds: what ended after that is gone. */
  readonly sinceMs: number;
}

/** What a process says of its spans that have not ended; it replaces what it said before. */
export interface OpenReport {
  /** The process, as attributes. */
  readonly resource: RowAttributes;
  /** Names this life of the process. */
  readonly boot: string;
  /** `gone`: it has ended, or was killed, and nothing more comes of it. */
  readonly state: "alive" | "gone";
  /** When, time of day in milliseconds. */
  readonly atMs: number;
  /** The next one comes within this time as long as there are open spans, milliseconds. */
  readonly everyMs: number;
  /** Spans that are open, also those not named. */
  readonly open: number;
  /** At most 1 000, the longest open. */
  readonly spans: readonly OpenSpan[];
  readonly hole?: SpoolHole | undefined;
}

/** A report as a message of {@link OPEN_KIND}. */
export function writeOpenReport({ spans, hole, ...about }: OpenReport): Uint8Array {
  const rows = spans.map(({ traceId, spanId, parentId, name, kind, startMs }) => [
    traceId,
    spanId,
    parentId ?? null,
    name,
    kind,
    startMs,
  ]);
  return encode({ ...about, spans: rows, ...(hole && { hole }) });
}

/**
 * Reads a message of {@link OPEN_KIND}.
 * @throws LinkError ERR_LINK_PROTOCOL when it is not msgpack
 * @throws RangeError when it is no report
 */
export function readOpenReport(bytes: Uint8Array): OpenReport {
  const { resource, boot, state, atMs, everyMs, open, spans, hole } = (decode(bytes) ??
    {}) as Record<keyof OpenReport, unknown>;
  const isRight =
    isMap(resource) &&
    typeof boot === "string" &&
    boot.length <= BOOT_MAX &&
    (state === "alive" || state === "gone") &&
    isCount(atMs) &&
    isCount(everyMs) &&
    isCount(open) &&
    Array.isArray(spans) &&
    spans.length <= REPORT_SPANS_MAX;
  if (!isRight) throw new RangeError("a report of open spans says who, when and which");
  return {
    resource: resource as RowAttributes,
    boot,
    state,
    atMs,
    everyMs,
    open,
    spans: spans.map(toSpan),
    hole: toHole(hole),
  };
}

const BOOT_MAX = 64;
const TIME_MAX = Number.MAX_SAFE_INTEGER / 1_000;

const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isCount = (value: unknown): value is number =>
  typeof value === "number" && value >= 0 && value <= TIME_MAX;

const isId = (value: unknown, length: number): value is Uint8Array =>
  value instanceof Uint8Array && value.length === length;

function toSpan(row: unknown): OpenSpan {
  const [traceId, spanId, parentId, name, kind, startMs] = Array.isArray(row) ? row : [];
  const isRight =
    isId(traceId, 16) &&
    isId(spanId, 8) &&
    (parentId === null || isId(parentId, 8)) &&
    typeof name === "string" &&
    isCount(kind) &&
    isCount(startMs);
  if (!isRight) throw new RangeError("an open span has ids, a name, a kind and a start");
  return { traceId, spanId, parentId: parentId ?? undefined, name, kind, startMs };
}

function toHole(hole: unknown): SpoolHole | undefined {
  if (hole === undefined || hole === null) return undefined;
  const { spans, bytes, sinceMs } = (isMap(hole) ? hole : {}) as Record<keyof SpoolHole, unknown>;
  if (!isCount(spans) || !isCount(bytes) || !isCount(sinceMs)) {
    throw new RangeError("a hole has spans, bytes and a time");
  }
  return { spans, bytes, sinceMs };
}
