import { SpanKind, TraceFlags } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";

const SERVICES = 12;
const resources = Array.from({ length: SERVICES }, (_, n) =>
  resourceFromAttributes({
    "service.name": `service-${n}`,
    "service.instance.id": `service-${n}-1`,
  }),
);

/** What a span that was made up is like. */
export interface MadeSpan {
  /** Decides what its service is. */
  readonly n: number;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId?: string | undefined;
  readonly fromMs: number;
  readonly toMs: number;
  readonly isFailed: boolean;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** A span as the official SDK would hand it over, without the time that it takes to record one. */
export function madeSpan(made: MadeSpan): ReadableSpan {
  const { n, name, traceId, spanId, parentId, attributes } = made;
  const context = (id: string) => ({ traceId, spanId: id, traceFlags: TraceFlags.SAMPLED });
  return {
    name,
    kind: n % 2 === 0 ? SpanKind.SERVER : SpanKind.CLIENT,
    spanContext: () => context(spanId),
    ...(parentId !== undefined && { parentSpanContext: context(parentId) }),
    startTime: hrTimeOf(made.fromMs),
    endTime: hrTimeOf(made.toMs),
    status: made.isFailed ? { code: 2, message: "failed" } : { code: 0 },
    attributes,
    links: [],
    events: [],
    duration: hrTimeOf(made.toMs - made.fromMs),
    ended: true,
    resource: resources[n % SERVICES] ?? resourceFromAttributes({}),
    instrumentationScope: { name: "bench" },
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

const hrTimeOf = (ms: number): [number, number] => [
  Math.floor(ms / 1_000),
  Math.floor((ms % 1_000) * 1e6),
];
