import {
  type Attributes,
  type AttributeValue,
  type Context,
  type Exception,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  type SpanStatus,
  SpanStatusCode,
  type TimeInput,
  trace,
} from "@opentelemetry/api";
import { hrTime, timeInputToHrTime } from "@opentelemetry/core";
import type { TimedEvent } from "@opentelemetry/sdk-trace";
import type { Observed, Traceparent } from "@zeroplane/link";
import { nowMs } from "./clock.ts";
import type { Descriptor } from "./descriptors.ts";
import {
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
  ATTR_UNAWAITED,
} from "./names.ts";
import { fail } from "./span.ts";
import {
  clientSplit,
  SPLIT_UNAWAITED,
  SPLIT_UNKNOWN,
  type Split,
  splitAttributes,
} from "./splits.ts";

const ATTRIBUTES_MAX = 128;
const EVENTS_MAX = 128;
const LINKS_MAX = 128;

/** What somebody has added to a span of a call. */
export interface Added {
  readonly attributes: Attributes;
  readonly events: TimedEvent[];
  readonly links: Link[];
  status: SpanStatus;
  name: string;
  droppedAttributes: number;
  droppedEvents: number;
  droppedLinks: number;
}

/** How a call was made out to be. */
export interface CallFacts {
  readonly place: Traceparent;
  readonly parent: Traceparent | undefined;
  readonly descriptor: Descriptor;
  readonly startMs: number;
  /** Of a server: how long it waited before. */
  readonly split: Split;
  readonly taker: CallTaker;
}

/** Takes calls that have ended. */
export interface CallTaker {
  /** One has ended; once for each. */
  take(span: CallSpan): void;
  /** Somebody began to wait for the result of one that was taken. */
  awaitedLate(span: CallSpan): void;
}

/** Values of `#awaitedMs` that are no time. */
const NOT_AWAITED = 0;
const NOT_KNOWN = -1;

/**
 * The span of one call. Most have a name, a time and nothing more, and are written as they are;
 * who gets one from `@opentelemetry/api` may add to it as to any other, up to 128 of each kind.
 */
export class CallSpan implements Span, Observed {
  readonly place: Traceparent;
  readonly parent: Traceparent | undefined;
  readonly descriptor: Descriptor;
  /** When it began, time of day in milliseconds. */
  readonly startMs: number;
  endMs = 0;
  /** What its time was made of. */
  split: Split;
  /** Where its row is, once it is taken: number of the batch, and in it. */
  batch = -1;
  row = -1;
  /** Its neighbours in the list of open calls. */
  earlier: CallSpan | undefined;
  later: CallSpan | undefined;
  readonly #taker: CallTaker;
  #isOpen = true;
  /** When somebody began to wait for the result, time of day in milliseconds. */
  #awaitedMs = NOT_AWAITED;
  #added: Added | undefined;
  #context: Context | undefined;
  #spanContext: SpanContext | undefined;

  constructor({ place, parent, descriptor, startMs, split, taker }: CallFacts) {
    this.place = place;
    this.startMs = startMs;
    this.parent = parent;
    this.descriptor = descriptor;
    this.split = split;
    this.#taker = taker;
  }

  /** The context of what the call does. */
  get context(): Context {
    this.#context ??= trace.setSpan(ROOT_CONTEXT, this);
    return this.#context;
  }

  /** What was added, when anything was. */
  get added(): Added | undefined {
    return this.#added;
  }

  ended(error?: unknown): void {
    if (error !== undefined && this.isRecording()) fail(this, error);
    this.end();
  }

  spanContext(): SpanContext {
    const { traceId, spanId, flags } = this.place;
    this.#spanContext ??= { traceId, spanId, traceFlags: flags };
    return this.#spanContext;
  }

  isRecording(): boolean {
    return this.#isOpen && this.place.isSampled;
  }

  setAttribute(key: string, value: AttributeValue): this {
    return this.setAttributes({ [key]: value });
  }

  setAttributes(attributes: Attributes): this {
    const added = this.#add();
    for (const [key, value] of Object.entries(attributes)) {
      const isNew = !(key in added.attributes);
      if (isNew && Object.keys(added.attributes).length >= ATTRIBUTES_MAX)
        added.droppedAttributes++;
      else added.attributes[key] = value;
    }
    return this;
  }

  addEvent(name: string, attributesOrTime?: Attributes | TimeInput, time?: TimeInput): this {
    const added = this.#add();
    const isTime = typeof attributesOrTime !== "object" || isTimeInput(attributesOrTime);
    const at = isTime ? attributesOrTime : time;
    if (added.events.length >= EVENTS_MAX) added.droppedEvents++;
    else {
      const when = at === undefined ? hrTimeOf(nowMs()) : timeInputToHrTime(at as TimeInput);
      added.events.push({ name, time: when, attributes: isTime ? {} : attributesOrTime });
    }
    return this;
  }

  addLink(link: Link): this {
    const added = this.#add();
    if (added.links.length >= LINKS_MAX) added.droppedLinks++;
    else added.links.push(link);
    return this;
  }

  addLinks(links: Link[]): this {
    for (const link of links) this.addLink(link);
    return this;
  }

  setStatus(status: SpanStatus): this {
    this.#add().status = status;
    return this;
  }

  updateName(name: string): this {
    this.#add().name = name;
    return this;
  }

  recordException(exception: Exception, time?: TimeInput): void {
    const { name, message, stack } =
      typeof exception === "string" ? { name: "string", message: exception, stack: "" } : exception;
    const facts = { [ATTR_EXCEPTION_TYPE]: name, [ATTR_EXCEPTION_MESSAGE]: message };
    this.addEvent("exception", { ...facts, [ATTR_EXCEPTION_STACKTRACE]: stack }, time);
  }

  end(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (!this.place.isSampled) return;
    this.endMs = nowMs();
    if (!this.descriptor.isServer) this.split = this.#waited();
    if (this.#added !== undefined) this.#tellSplit(this.#added);
    this.#taker.take(this);
  }

  /** Somebody begins to wait for the result. */
  awaited(): void {
    if (this.#awaitedMs !== NOT_AWAITED) return;
    this.#awaitedMs = this.#isOpen ? nowMs() : NOT_KNOWN;
    if (this.#isOpen || this.split !== SPLIT_UNAWAITED) return;
    // The result was there: it did not make anybody wait.
    this.split = clientSplit(0);
    if (this.#added !== undefined) this.#tellSplit(this.#added);
    this.#taker.awaitedLate(this);
  }

  /** The answer is a stream: when its reader waits is not known. */
  streamed(): void {
    this.#awaitedMs = NOT_KNOWN;
  }

  #waited(): Split {
    if (this.#awaitedMs === NOT_AWAITED) return SPLIT_UNAWAITED;
    return this.#awaitedMs === NOT_KNOWN
      ? SPLIT_UNKNOWN
      : clientSplit(this.endMs - this.#awaitedMs);
  }

  #tellSplit({ attributes }: Added): void {
    delete attributes[ATTR_UNAWAITED];
    Object.assign(attributes, splitAttributes(this.split, this.descriptor.isServer));
  }

  #add(): Added {
    // What comes after the end, or to a span that nobody records, goes nowhere.
    if (!this.isRecording()) return this.#nothing();
    this.#added ??= this.#nothing();
    return this.#added;
  }

  #nothing(): Added {
    return {
      attributes: { ...this.descriptor.attributes },
      events: [],
      links: [],
      status: { code: SpanStatusCode.UNSET },
      name: this.descriptor.name,
      droppedAttributes: 0,
      droppedEvents: 0,
      droppedLinks: 0,
    };
  }
}

const isTimeInput = (value: object | undefined): value is Date | [number, number] =>
  Array.isArray(value) || value instanceof Date;

/** A time of day in the two numbers of the SDK. */
export const hrTimeOf = (ms: number): [number, number] => hrTime(ms - performance.timeOrigin);
