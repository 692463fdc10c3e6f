import { SpanKind } from "@opentelemetry/api";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { type ReadableSpan, TracerProvider } from "@opentelemetry/sdk-trace";

const SERVICES = 12;
const OPERATIONS = 10;
const TRACE_SPANS = 20;
const FAILED_EVERY = 140;

/** A body of OTLP protobuf with `count` spans in traces of 20, eight attributes each, made by the official SDK. */
export function otlpBody(count: number): { readonly body: Uint8Array; readonly traceId: string } {
  const spans: ReadableSpan[] = [];
  const processor = {
    onStart: () => undefined,
    onEnd: (span: ReadableSpan) => void spans.push(span),
    forceFlush: async () => undefined,
    shutdown: async () => undefined,
  };
  const providers = Array.from({ length: SERVICES }, (_, n) => {
    const resource = resourceFromAttributes({
      "service.name": `service-${n}`,
      "service.instance.id": `service-${n}-1`,
    });
    return new TracerProvider({ resource, spanProcessors: [processor] }).getTracer("bench");
  });
  let traceId = "";
  const now = Date.now();
  for (let n = 0; n < count; n++) {
    const tracer = providers[n % SERVICES];
    const startTime = now - (n % 5_000);
    const span = tracer?.startSpan(`operation-${n % OPERATIONS}`, {
      root: n % TRACE_SPANS === 0,
      startTime,
      kind: SpanKind.SERVER,
      attributes: attributesOf(n),
    });
    if (n % FAILED_EVERY === 0) span?.setStatus({ code: 2, message: "failed" });
    span?.end(startTime + 1 + (n % 97));
    traceId = span?.spanContext().traceId ?? "";
  }
  return { body: ProtobufTraceSerializer.serializeRequest(spans) ?? new Uint8Array(), traceId };
}

const attributesOf = (n: number): Record<string, string | number> => ({
  "rpc.system.name": "zeroplane",
  "rpc.method": `shop.Operation/${n % OPERATIONS}`,
  "server.address": "127.0.0.1",
  "server.port": 4_000 + (n % SERVICES),
  "zp.app": `app-${n % 100}`,
  "zp.attempt": 1,
  "zp.queue_ns": n * 13,
  "user.id": `u-${n % 10_000}`,
});
