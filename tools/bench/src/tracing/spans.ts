import { randomBytes } from "node:crypto";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { madeSpan } from "./made-span.ts";

const OPERATIONS = 10;
const TRACE_SPANS = 20;
const FAILED_EVERY = 140;

/** A body of OTLP protobuf with `count` spans in traces of 20, eight attributes each; every one has other ids. */
export function otlpBody(count: number): { readonly body: Uint8Array; readonly traceId: string } {
  const ids = randomBytes(8 * count).toString("hex");
  const idOf = (n: number): string => ids.slice(16 * n, 16 * (n + 1));
  const now = Date.now();
  let traceId = "";
  const spans = Array.from({ length: count }, (_, n) => {
    const inTrace = n % TRACE_SPANS;
    if (inTrace === 0) traceId = randomBytes(16).toString("hex");
    const root = n - inTrace;
    const fromMs = now - (root % 5_000) - 200 + inTrace;
    return madeSpan({
      n,
      name: `operation-${n % OPERATIONS}`,
      traceId,
      spanId: idOf(n),
      parentId: inTrace === 0 ? undefined : idOf(root + Math.floor((inTrace - 1) / 3)),
      fromMs,
      toMs: fromMs + 1 + ((TRACE_SPANS - inTrace) * 97) / TRACE_SPANS,
      isFailed: n % FAILED_EVERY === 0,
      attributes: attributesOf(n),
    });
  });
  return { body: ProtobufTraceSerializer.serializeRequest(spans) ?? new Uint8Array(), traceId };
}

const attributesOf = (n: number): Record<string, string | number> => ({
  "rpc.system.name": "zeroplane",
  "rpc.method": `shop.Operation/${n % OPERATIONS}`,
  "server.address": "127.0.0.1",
  "server.port": 4_000 + (n % 12),
  "zp.app": `app-${n % 100}`,
  "zp.attempt": 1,
  "zp.queue_ns": n * 13,
  "user.id": `u-${n % 10_000}`,
});
