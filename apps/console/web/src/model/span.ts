import { awaitedMsOf, type FailedNode, type Part } from "@zeroplane/tracing/model";
import { type Attributes, attributesOf, type FoundSpan, type OtlpSpan } from "./otlp.ts";

const FAILED = 2;

/** One span in its place. Times are milliseconds from the begin of the trace. */
export class Span implements FailedNode {
  readonly id: string;
  readonly service: string;
  readonly node: string;
  readonly name: string;
  /** As in OTLP: 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  readonly kind: number;
  /** What its status says, when it failed. */
  readonly failure: string | undefined;
  readonly startMs: number;
  readonly endMs: number;
  /** Its place in the trace. */
  index = 0;
  /** Place of its parent, -1 for a root. */
  parent = -1;
  depth = 0;
  /** Spans below it, at any depth: they follow it directly. */
  below = 0;
  /** Duration without the time in which a child ran. */
  selfMs = 0;
  /** Parts of it that the whole trace waited for. */
  critical: Part[] = [];
  readonly #otlp: OtlpSpan;

  constructor({ span, service, node }: FoundSpan, startMs: number, endMs: number) {
    this.#otlp = span;
    this.id = span.spanId;
    this.service = service;
    this.node = node;
    this.name = span.name;
    this.kind = span.kind ?? 1;
    this.failure = span.status?.code === FAILED ? (span.status.message ?? "") : undefined;
    this.startMs = startMs;
    this.endMs = Math.max(startMs, endMs);
  }

  get durationMs(): number {
    return this.endMs - this.startMs;
  }

  get awaitedMs(): number | undefined {
    const { attributes } = this.#otlp;
    return awaitedMsOf((name) => {
      const value = attributes?.find(({ key }) => key === name)?.value;
      return value?.boolValue ?? value?.intValue;
    });
  }

  get isForeign(): boolean {
    return this.#otlp.attributes?.some(({ key }) => key === "zp.error.origin") ?? false;
  }

  get parentId(): string {
    return this.#otlp.parentSpanId ?? "";
  }

  get attributes(): Attributes {
    return attributesOf(this.#otlp.attributes);
  }

  get events(): readonly { readonly name: string; readonly attributes: Attributes }[] {
    const { events = [] } = this.#otlp;
    return events.map(({ name, attributes }) => ({ name, attributes: attributesOf(attributes) }));
  }

  get links(): readonly { readonly traceId: string; readonly spanId: string }[] {
    return this.#otlp.links ?? [];
  }
}
