import { SpanKind, TraceFlags } from "@opentelemetry/api";
import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";

const SERVICES = 12;
const OPERATIONS = 40;
const CHILDREN = 8;
const ROOT_MS = 10_000;
const AGO_MS = 60_000;
const BODY_SPANS = 2_000;
const FAILED_EVERY = 500;

const resources = Array.from({ length: SERVICES }, (_, n) =>
  resourceFromAttributes({ "service.name": `tree-${n}`, "service.instance.id": `tree-${n}-1` }),
);
const hex = (n: number): string => n.toString(16).padStart(16, "0");

/** One trace of `count` spans, eight below each, whose root is named `name`, as bodies of OTLP protobuf. */
export function* treeBodies(name: string, traceId: string, count: number): Generator<Uint8Array> {
  const base = Date.now() - AGO_MS;
  const times = new Float64Array(2 * count);
  times[1] = ROOT_MS;
  let batch: ReadableSpan[] = [];
  for (let n = 0; n < count; n++) {
    const parent = Math.floor((n - 1) / CHILDREN);
    if (n > 0) {
      const [from = 0, to = 0] = times.subarray(2 * parent, 2 * parent + 2);
      const part = (to - from) / CHILDREN;
      const start = from + ((n - 1) % CHILDREN) * part;
      times[2 * n] = start + part * 0.05;
      times[2 * n + 1] = start + part * 0.9;
    }
    const [from = 0, to = 0] = times.subarray(2 * n, 2 * n + 2);
    const about = { n, traceId, name: n === 0 ? name : `operation-${n % OPERATIONS}` };
    batch.push(spanOf(about, parent, [base + from, base + to]));
    if (batch.length < BODY_SPANS && n < count - 1) continue;
    yield ProtobufTraceSerializer.serializeRequest(batch) ?? new Uint8Array();
    batch = [];
  }
}

interface About {
  readonly n: number;
  readonly traceId: string;
  readonly name: string;
}

function spanOf(
  { n, traceId, name }: About,
  parent: number,
  [fromMs, toMs]: readonly [number, number],
): ReadableSpan {
  const context = (at: number) => ({
    traceId,
    spanId: hex(at + 1),
    traceFlags: TraceFlags.SAMPLED,
  });
  return {
    name,
    kind: n % 2 === 0 ? SpanKind.SERVER : SpanKind.CLIENT,
    spanContext: () => context(n),
    ...(n > 0 && { parentSpanContext: context(parent) }),
    startTime: hrTimeOf(fromMs),
    endTime: hrTimeOf(toMs),
    status: n % FAILED_EVERY === FAILED_EVERY - 1 ? { code: 2, message: "failed" } : { code: 0 },
    attributes: { "rpc.system.name": "zeroplane", "zp.app": `app-${n % 100}`, "user.id": `u-${n}` },
    links: [],
    events: [],
    duration: [0, 0],
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
