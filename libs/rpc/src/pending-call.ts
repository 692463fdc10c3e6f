import type { Headers, Observed, Traceparent } from "@zeroplane/link";
import type { HedgeOptions } from "./hedge.ts";
import { isStream } from "./item-pump.ts";
import { ItemQueue } from "./item-queue.ts";
import type { RetryOptions } from "./retry.ts";
import { WatchedAnswer } from "./watched-answer.ts";

/** What an open call asks of whoever carries it. */
export interface CallCarrier {
  /** The caller has taken that many bytes of items. */
  grant(call: PendingCall, bytes: number): void;
  /** The caller does not want the rest. */
  cancel(call: PendingCall): void;
  /** Nothing more will come. */
  ended(call: PendingCall): void;
}

/** What may be done for a call beyond sending it once. */
export interface CallPolicy {
  /** True when it does no harm to run it twice. */
  readonly idempotent: boolean;
  /** The server keeps its answer, so that it never runs twice. */
  readonly once: boolean;
  readonly retry: RetryOptions;
  readonly hedge: HedgeOptions | undefined;
}

/** Sent once, and again only when it surely did not happen. */
export const PLAIN: CallPolicy = {
  idempotent: false,
  once: false,
  retry: {},
  hedge: undefined,
};

/** One call to make. */
export interface Request {
  readonly method: string;
  readonly args: readonly unknown[];
  readonly headers: Headers | undefined;
  /** How long the caller waits, milliseconds; `Infinity` for ever. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** Endpoint or name of the only peer that may get it. */
  readonly to?: string | undefined;
  readonly policy?: CallPolicy;
}

/** The answer to a call: await it for a result, iterate it for a stream. */
export type Answer = Promise<unknown> & AsyncIterable<unknown>;

const OWNER = Symbol("call");

interface Owned {
  [OWNER]: PendingCall;
}

const ignore = (): void => undefined;
const notAStream = (): TypeError =>
  new TypeError("the method gave a result and no stream: await the call");

let lastResolve: (value: unknown) => void;
let lastReject: (error: unknown) => void;
/** One function for all promises, instead of one for each. */
const capture = (resolve: (value: unknown) => void, reject: (error: unknown) => void): void => {
  lastResolve = resolve;
  lastReject = reject;
};

function iterate(this: Owned): AsyncIterator<unknown, undefined, undefined> {
  return this[OWNER].iterate();
}

/**
 * One call that was made and has not ended. `answer` is a real promise, so that awaiting it costs
 * nothing more than awaiting; a failure that nobody looks at surfaces as an unhandled rejection.
 */
export class PendingCall {
  readonly answer: Answer;
  readonly request: Request;
  /** What travels with it. */
  headers: Headers | undefined;
  /** Where it is in its trace; travels beside the headers. */
  place: Traceparent | undefined;
  /** The process that had it when it was lost, when it is known. */
  ranIn: string | undefined;
  /** When it fails for want of an answer, on the clock of `performance.now()`. */
  deadlineMs: number;
  /** Number of the call at its carrier. */
  id = 0;
  /** True once it was handed to a line that was up: it may have happened. */
  sent = false;
  /** Where it was made, for the traceback. */
  site: Error | undefined;
  carrier: CallCarrier | undefined;
  /** Attempts beyond the first. */
  attempts = 0;
  /** Asked before a failure becomes the end; true when something else goes on. */
  beforeFail: ((call: PendingCall, error: unknown) => boolean) | undefined;
  /** Called once, when nothing more will come. */
  onEnd: ((error: unknown) => void) | undefined;
  #stopListening: (() => void) | undefined;
  readonly #observed: Observed | undefined;
  #avoid: CallCarrier[] | undefined;
  readonly #resolve: (value: unknown) => void;
  readonly #reject: (error: unknown) => void;
  #items: ItemQueue | undefined;
  #isStream = false;
  #isResult = false;
  #ended = false;
  #error: unknown;

  /** @param observed told of who waits for the answer, and of the end */
  constructor(request: Request, nowMs: number, observed?: Observed) {
    this.request = request;
    this.headers = request.headers;
    this.deadlineMs = nowMs + request.timeoutMs;
    this.#observed = observed;
    this.place = observed?.place;
    const isWatched = observed?.awaited !== undefined;
    const answer = isWatched ? new WatchedAnswer(capture) : new Promise<unknown>(capture);
    if (isWatched) (answer as WatchedAnswer).watch(observed);
    this.answer = answer as Answer;
    this.#resolve = lastResolve;
    this.#reject = lastReject;
    this.answer[Symbol.asyncIterator] = iterate as never;
    (this.answer as Answer & Owned)[OWNER] = this;
  }

  get method(): string {
    return this.request.method;
  }

  /** The headers with what else travels, for peers that know headers only. */
  get allHeaders(): Headers {
    if (this.place === undefined) return this.headers ?? {};
    return { ...this.headers, traceparent: String(this.place) };
  }

  get timeoutMs(): number {
    return this.request.timeoutMs;
  }

  get to(): string | undefined {
    return this.request.to;
  }

  get policy(): CallPolicy {
    return this.request.policy ?? PLAIN;
  }

  /** Who has had it already: others are asked first. */
  get avoid(): CallCarrier[] {
    this.#avoid ??= [];
    return this.#avoid;
  }

  /** True when an argument is a stream, which can be sent once only. */
  get hasStreams(): boolean {
    return this.request.args.some(isStream);
  }

  /** True once an item has come, or the end of a stream without any. */
  get isStream(): boolean {
    return this.#isStream;
  }

  /** True when nothing more will come. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Cancels it when its signal is aborted. */
  listen(): void {
    const { signal } = this.request;
    if (signal === undefined) return;
    const aborted = (): void => this.abandon(signal.reason);
    if (signal.aborted) aborted();
    else signal.addEventListener("abort", aborted, { once: true });
    this.#stopListening = () => signal.removeEventListener("abort", aborted);
  }

  /** Settles when nothing more will come; does not count as looking at the result. */
  whenEnded(): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error: unknown): void => {
        if (error === undefined) resolve();
        else reject(error as Error);
      };
      if (this.#ended) settle(this.#error);
      else this.onEnd = settle;
    });
  }

  /** The items, for whoever iterates the answer. */
  iterate(): AsyncIterator<unknown, undefined, undefined> {
    this.#observed?.streamed?.();
    // Who iterates hears of a failure there.
    this.answer.catch(ignore);
    const queue = this.#queue();
    // Nothing happens when it is a stream: that has ended by itself, or goes on.
    if (this.#isResult) queue.fail(notAStream());
    else if (this.#ended && !this.#isStream) queue.fail(this.#error);
    return queue;
  }

  /** The result came. Whoever iterates instead of awaiting it must not take it for an empty stream. */
  result(value: unknown): void {
    if (this.#ended) return;
    this.#isResult = true;
    this.#resolve(value);
    this.#items?.fail(notAStream());
    this.#finish(undefined);
  }

  /** One item of a stream came. */
  item(value: unknown, bytes: number): void {
    if (this.#ended) return;
    if (!this.#isStream) this.#becomeStream();
    (this.#items as ItemQueue).push(value, bytes);
  }

  /** The stream is complete. */
  complete(): void {
    if (this.#ended) return;
    if (!this.#isStream) this.#becomeStream();
    this.#items?.end();
    this.#finish(undefined);
  }

  /** It failed, there or on the way. */
  fail(error: unknown): void {
    if (this.#ended) return;
    if (this.beforeFail?.(this, error) === true) {
      this.carrier?.ended(this);
      this.carrier = undefined;
      return;
    }
    this.#reject(error);
    this.#items?.fail(error);
    this.#finish(error);
  }

  /** Nobody wants it any more: tells the other side, and fails with `error`. */
  abandon(error: unknown): void {
    if (this.#ended) return;
    this.beforeFail = undefined;
    this.carrier?.cancel(this);
    this.fail(error);
  }

  /** Somebody else has answered it: whoever still works on it may stop. */
  win(value: unknown): void {
    if (this.#ended) return;
    this.carrier?.cancel(this);
    this.result(value);
  }

  #becomeStream(): void {
    this.#isStream = true;
    this.#observed?.streamed?.();
    // The deadline is for the first item, not for the length of a stream.
    this.deadlineMs = Number.POSITIVE_INFINITY;
    const queue = this.#queue();
    // A promise must not be resolved with something that can itself be awaited: a queue cannot.
    this.#resolve(queue);
  }

  #queue(): ItemQueue {
    this.#items ??= new ItemQueue({
      grant: (bytes) => this.carrier?.grant(this, bytes),
      cancel: () => {
        if (this.#ended) return;
        this.carrier?.cancel(this);
        this.#finish(undefined);
      },
    });
    return this.#items;
  }

  #finish(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#stopListening?.();
    this.carrier?.ended(this);
    this.#observed?.ended(error);
    this.onEnd?.(error);
  }
}
