import { ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import { madeSpan } from "./made-span.ts";

const OPERATIONS = 40;
const CHILDREN = 8;
const ROOT_MS = 10_000;
const AGO_MS = 60_000;
const BODY_SPANS = 2_000;
const FAILED_EVERY = 500;

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
    const made = madeSpan({
      n,
      name: n === 0 ? name : `operation-${n % OPERATIONS}`,
      traceId,
      spanId: hex(n + 1),
      parentId: n === 0 ? undefined : hex(parent + 1),
      fromMs: base + from,
      toMs: base + to,
      isFailed: n % FAILED_EVERY === FAILED_EVERY - 1,
      attributes: {
        "rpc.system.name": "zeroplane",
        "zp.app": `app-${n % 100}`,
        "user.id": `u-${n}`,
      },
    });
    batch.push(made);
    if (batch.length < BODY_SPANS && n < count - 1) continue;
    yield ProtobufTraceSerializer.serializeRequest(batch) ?? new Uint8Array();
    batch = [];
  }
}
