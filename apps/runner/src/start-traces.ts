import type { DesiredInstance, ObservedInstance } from "@zeroplane/deploy-api";
import { extract, fail, startSpan } from "@zeroplane/tracing";

type Span = ReturnType<typeof startSpan>;

/** Shows each start of an instance as a span of the deploy that asked for it. */
export class StartTraces {
  readonly #spans = new Map<string, Span>();
  readonly #seen = new Set<string>();

  /** What ought to run now: a span begins for whatever is new. */
  desired(instances: readonly DesiredInstance[]): void {
    const ids = new Set(instances.map(({ id }) => id));
    for (const id of this.#seen) if (!ids.has(id)) this.#forget(id);
    for (const { id, app, release, traceparent } of instances) {
      if (this.#seen.has(id)) continue;
      this.#seen.add(id);
      if (traceparent === undefined) continue;
      const attributes = { "zp.app": app, "zp.release": release, "zp.instance": id };
      this.#spans.set(
        id,
        startSpan("start instance", { attributes, parent: extract({ traceparent }) }),
      );
    }
  }

  /** The W3C context of the start of `id`, while it is starting. */
  traceparentOf(id: string): string | undefined {
    const context = this.#spans.get(id)?.spanContext();
    return context && `00-${context.traceId}-${context.spanId}-01`;
  }

  /** What is seen of an instance ends its span. */
  observed({ id, state, reason }: ObservedInstance): void {
    const span = this.#spans.get(id);
    if (span === undefined || state === "starting") return;
    if (state !== "healthy") fail(span, new Error(reason ?? `instance ${id} is ${state}`));
    span.end();
    this.#spans.delete(id);
  }

  #forget(id: string): void {
    this.#seen.delete(id);
    this.#spans.get(id)?.end();
    this.#spans.delete(id);
  }
}
