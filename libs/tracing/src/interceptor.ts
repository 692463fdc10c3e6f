import { type Attributes, type Context, context, SpanKind, trace } from "@opentelemetry/api";
import type { Interceptor, Observer, Operation } from "@zeroplane/link";
import { extract, inject } from "./context.ts";
import type { LoopClock } from "./loop-clock.ts";
import {
  ATTR_LAG,
  ATTR_MESSAGING_DESTINATION,
  ATTR_MESSAGING_OPERATION,
  ATTR_MESSAGING_SYSTEM,
  ATTR_MISSED,
  ATTR_PEER,
  ATTR_RPC_METHOD,
  ATTR_RPC_SYSTEM,
} from "./names.ts";
import { runSpan, startSpan } from "./span.ts";

const KINDS: Readonly<Record<Operation["side"], SpanKind>> = {
  client: SpanKind.CLIENT,
  server: SpanKind.SERVER,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
};

/** Verbs whose messages go to many: each receiver's trace is its own, linked to the sender's. */
const FAN_OUT: ReadonlySet<Operation["verb"]> = new Set(["feed"]);

/**
 * Traces every operation of every verb, on both sides: context travels in the headers. A call, a
 * job and a change of state go on in the trace they came from; a feed's receiver links to it.
 */
export const tracingInterceptor: Interceptor = Object.defineProperty(
  (operation: Operation, next: () => Promise<unknown>): Promise<unknown> => {
    const sends = operation.side === "client" || operation.side === "producer";
    return sends ? traceSending(operation, next) : traceReceiving(operation, next);
  },
  "observer",
  { get: () => callObserver },
);

let callObserver: Observer | undefined;
let loopClock: LoopClock | undefined;

/**
 * Sets who records calls from here on; `undefined` leaves them to the interceptor itself.
 * @param clock tells how late the event loop was when a message of another verb was taken
 */
export function observeCalls(observer: Observer | undefined, clock?: LoopClock): void {
  callObserver = observer;
  loopClock = clock;
}

function traceSending(operation: Operation, next: () => Promise<unknown>): Promise<unknown> {
  // What nobody asked for (a beat, a view's own change) starts no trace of its own.
  if (operation.verb !== "rpc" && trace.getActiveSpan() === undefined) return next();
  const span = startSpan(nameOf(operation), {
    kind: KINDS[operation.side],
    attributes: about(operation),
  });
  return runSpan(span, context.active(), () => {
    inject(operation.headers);
    return next();
  });
}

function traceReceiving(operation: Operation, next: () => Promise<unknown>): Promise<unknown> {
  const from = extract(operation.headers);
  const sender = trace.getSpanContext(from);
  if (operation.verb !== "rpc" && sender === undefined) {
    keepMissed(operation);
    return next();
  }
  const linked = FAN_OUT.has(operation.verb) && sender !== undefined;
  const parent: Context = linked ? context.active() : from;
  const span = startSpan(nameOf(operation), {
    kind: KINDS[operation.side],
    attributes: { ...about(operation), ...lag(), ...missed(operation) },
    links: linked ? [{ context: sender }] : [],
    parent,
  });
  return runSpan(span, parent, next);
}

/** How late the loop was, when it was. */
function lag(): Attributes {
  loopClock?.queuedMs(performance.now());
  const lagMs = loopClock?.lagMs ?? 0;
  return lagMs === 0 ? {} : { [ATTR_LAG]: Math.round(lagMs * 1e6) };
}

/** By feed and publisher, what was missed before messages that are not traced: told with the next that is. */
const kept = new Map<string, number>();
const KEPT_MAX = 1_000;

const missedBefore = ({ attributes }: Operation): number => Number(attributes?.[ATTR_MISSED] ?? 0);

function keepMissed(operation: Operation): void {
  const count = missedBefore(operation);
  const key = `${operation.name} ${operation.peer}`;
  if (count === 0 || (kept.size >= KEPT_MAX && !kept.has(key))) return;
  kept.set(key, (kept.get(key) ?? 0) + count);
}

function missed(operation: Operation): Attributes {
  if (operation.verb !== "feed") return {};
  const key = `${operation.name} ${operation.peer}`;
  const count = missedBefore(operation) + (kept.get(key) ?? 0);
  kept.delete(key);
  return count === 0 ? {} : { [ATTR_MISSED]: count };
}

const MESSAGING: Readonly<Record<Operation["side"], string>> = {
  client: "send",
  server: "process",
  producer: "send",
  consumer: "process",
};

function nameOf({ verb, side, name }: Operation): string {
  return verb === "rpc" ? name : `${MESSAGING[side]} ${name}`;
}

function about({ verb, side, name, peer, attributes }: Operation): Attributes {
  const facts: Attributes = { ...attributes, ...(peer && { [ATTR_PEER]: peer }) };
  if (verb === "rpc") return { ...facts, [ATTR_RPC_SYSTEM]: "zeroplane", [ATTR_RPC_METHOD]: name };
  return {
    ...facts,
    [ATTR_MESSAGING_SYSTEM]: "zeromq",
    [ATTR_MESSAGING_DESTINATION]: name,
    [ATTR_MESSAGING_OPERATION]: MESSAGING[side],
    "zp.verb": verb,
  };
}
