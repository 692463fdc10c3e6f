import type { Traceparent } from "./traceparent.ts";

/** Text that travels with an operation: trace context, deadline, identity. At most 4 KiB in all. */
export type Headers = Record<string, string>;

/** One use of a verb, as an interceptor sees it on either side. */
export interface Operation {
  readonly verb: "rpc" | "work" | "feed" | "state" | "pipe";
  /** `client` and `server` expect an answer; `producer` and `consumer` do not. */
  readonly side: "client" | "server" | "producer" | "consumer";
  /** Method, queue, feed or state name. */
  readonly name: string;
  /** Sending side: write here what must travel. Receiving side: what came. */
  readonly headers: Headers;
  /** The other side, when it is known. */
  readonly peer?: string | undefined;
  /** Facts for a trace or a metric: attempt, wait, size. */
  readonly attributes: Record<string, string | number | boolean>;
}

/**
 * The only extension point around an operation, one type for every verb and both sides. Call
 * `next` exactly once and give back what it gives. For a stream `next` settles when it has ended.
 */
export interface Interceptor {
  (operation: Operation, next: () => Promise<unknown>): Promise<unknown>;
  /** Does the same for calls, without standing in their way; used in place of the function. */
  readonly observer?: Observer | undefined;
}

/** An operation that is observed. */
export interface Observed {
  /** Where it is in its trace: travels as the header `traceparent`. */
  readonly place: Traceparent;
  /** To be called once, when it has ended; with `error` when it failed. */
  ended(error?: unknown): void;
  /**
   * Called on the client, also after the end: when somebody begins to wait for the result (`await`, `then`,
   * `Promise.all`). Who leaves it out gets a plain promise, which nobody can see being awaited.
   */
  awaited?(): void;
  /** Called on the client when the answer is a stream: waits lie between its items. */
  streamed?(): void;
}

/** A call that begins, on one side. */
export interface Beginning {
  readonly side: "client" | "server";
  /** `service.method`. */
  readonly name: string;
  /** The other side. */
  readonly peer: string | undefined;
  /** Where the caller is in its trace, on the server; on the client the observer knows. */
  readonly from: Traceparent | undefined;
  /** When, by `performance.now()`. */
  readonly atMs: number;
}

/** Sees calls begin and end: what tracing needs, at a fraction of the cost of an interceptor. */
export interface Observer {
  /** A call begins; what this gives is told of its end. */
  begin(call: Beginning): Observed;
}

/** All of `interceptors` as one, the first outermost; `undefined` when there are none. */
export function compose(interceptors: readonly Interceptor[] = []): Interceptor | undefined {
  if (interceptors.length === 0) return undefined;
  return interceptors.reduceRight(
    (inner, outer) => (operation, next) => outer(operation, () => inner(operation, next)),
  );
}

/** Runs `next` inside `interceptor`, or alone when there is none. */
export function intercept(
  interceptor: Interceptor | undefined,
  operation: () => Operation,
  next: (headers: Headers) => Promise<unknown>,
): Promise<unknown> {
  if (interceptor === undefined) return next({});
  const about = operation();
  return interceptor(about, () => next(about.headers));
}
