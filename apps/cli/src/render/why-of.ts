import type { SpanView, Trace } from "@zeroplane/trace-collector";
import {
  arrange,
  awaitedMsOf,
  type FailedNode,
  type Failure,
  failuresOf,
  type NamedNode,
  nowhere,
} from "@zeroplane/tracing/model";

const CONSUMER = 5;
const INTERNAL = 1;

/** Where the time of a trace went, and what failed: `zp why --json` prints it. */
export interface Why {
  readonly traceId: string;
  readonly service: string;
  readonly operation: string;
  readonly durationMs: number;
  /** What the whole of it waited for, in order; the parts make up `durationMs`. */
  readonly waitedFor: readonly WaitedPart[];
  /** Time of operations without what they called, the most first. */
  readonly tookTime: readonly OwnTime[];
  readonly failed: readonly WhyFailure[];
}

/** A span of a trace. */
export interface Hop {
  readonly spanId: string;
  readonly service: string;
  readonly node: string;
  readonly operation: string;
}

/** A part of a span that the whole trace waited for. */
export interface WaitedPart extends Hop {
  /** From the begin of the trace. */
  readonly atMs: number;
  readonly ms: number;
}

/** Time of an operation itself. */
export interface OwnTime {
  readonly service: string;
  readonly operation: string;
  readonly spans: number;
  readonly selfMs: number;
}

/** A failure, wherever it came through. */
export interface WhyFailure {
  readonly type: string;
  readonly message: string;
  /** Where it began. */
  readonly origin: Hop;
  /** From the origin to the root. */
  readonly through: readonly Hop[];
  /** Others that were told. */
  readonly also: readonly Hop[];
  /** The traceback that goes through most processes. */
  readonly stack?: string;
}

interface Placed extends FailedNode, NamedNode {
  readonly view: SpanView;
}

/** What a trace says of itself. */
export function whyOf({ traceId, spans }: Trace): Why {
  const { order } = arrange(spans.map(placed));
  const startMs = Math.min(...order.map((span) => span.startMs));
  const endMs = Math.max(...order.map((span) => span.endMs));
  const root = order[0]?.view;
  return {
    traceId,
    service: root?.service ?? "",
    operation: root?.name ?? "",
    durationMs: endMs - startMs,
    waitedFor: waitedFor(order, startMs),
    tookTime: tookTime(order),
    failed: failuresOf(order).map(failure),
  };
}

function placed(view: SpanView): Placed {
  const { spanId, parentId = "", startMs, durationMs, kind, error, attributes } = view;
  return {
    ...nowhere(),
    view,
    id: spanId,
    parentId,
    startMs,
    endMs: startMs + durationMs,
    kind: kind === "consumer" ? CONSUMER : INTERNAL,
    awaitMs: awaitedMsOf((name) => attributes[name]),
    failure: error?.message,
    isForeign: "zp.error.origin" in attributes,
  };
}

const hopOf = ({ view: { spanId, service, node, name } }: Placed): Hop => ({
  spanId,
  service,
  node,
  operation: name,
});

function waitedFor(order: readonly Placed[], startMs: number): WaitedPart[] {
  const parts = order.flatMap((span) =>
    span.critical.map(({ fromMs, toMs }) => ({
      ...hopOf(span),
      atMs: fromMs - startMs,
      ms: toMs - fromMs,
    })),
  );
  return parts.toSorted((a, b) => a.atMs - b.atMs);
}

function tookTime(order: readonly Placed[]): OwnTime[] {
  const sums = new Map<string, OwnTime>();
  for (const { view, selfMs } of order) {
    const { service, name: operation } = view;
    const key = JSON.stringify([service, operation]);
    const sum = sums.get(key) ?? { service, operation, spans: 0, selfMs: 0 };
    sums.set(key, { ...sum, spans: sum.spans + 1, selfMs: sum.selfMs + selfMs });
  }
  return [...sums.values()].toSorted((a, b) => b.selfMs - a.selfMs);
}

function failure({ origin, through, also }: Failure<Placed>): WhyFailure {
  const { error } = origin.view;
  // The root's goes through every process, the origin's through its own.
  const stack = [...through.toReversed(), origin]
    .map(({ view }) => view.attributes["exception.stacktrace"])
    .find((text) => typeof text === "string");
  return {
    type: error?.type ?? "error",
    message: error?.message ?? "",
    origin: hopOf(origin),
    through: through.map(hopOf),
    also: also.map(hopOf),
    ...(stack !== undefined && { stack }),
  };
}
