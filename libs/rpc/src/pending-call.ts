import type { RpcError } from "./errors.ts";

/** What an open call asks of its connection. */
export interface CallControl {
  /** The caller has taken that many bytes of items. */
  grant(id: number, bytes: number): void;
  /** The caller does not want the rest. */
  cancel(id: number): void;
}

interface Item {
  readonly value: unknown;
  readonly bytes: number;
}

interface Waiter {
  readonly resolve: (result: IteratorResult<unknown, undefined>) => void;
  readonly reject: (error: unknown) => void;
}

type End = { readonly error?: unknown };

const GRANT_BYTES = 64 * 1024;

const notAStream = (): TypeError =>
  new TypeError("the method gave a result and no stream: await the call");

/**
 * One call that has been made: a promise of its result when it is awaited, its items when it is
 * iterated. A failure that nobody looks at surfaces as an unhandled rejection.
 */
export class PendingCall implements PromiseLike<unknown>, AsyncIterable<unknown> {
  readonly id: number;
  readonly #control: CallControl;
  /** When it fails for want of an answer, on the clock of `performance.now()`. */
  deadlineMs: number;
  /** True once a record of it was handed to the link. */
  sent = false;
  #first: PromiseWithResolvers<unknown> | undefined;
  #settled: { readonly value?: unknown; readonly error?: unknown } | undefined;
  #items: Item[] = [];
  #waiter: Waiter | undefined;
  #end: End | undefined;
  #isResult = false;
  #watched = false;
  #consumedBytes = 0;
  #onEnd: ((error: unknown) => void)[] = [];

  constructor(id: number, deadlineMs: number, control: CallControl) {
    this.id = id;
    this.deadlineMs = deadlineMs;
    this.#control = control;
  }

  /** Calls `ended` when nothing more will come: for interceptors and for clean-up. */
  addEnd(ended: (error: unknown) => void): void {
    if (this.#end === undefined) this.#onEnd.push(ended);
    else ended("error" in this.#end ? this.#end.error : undefined);
  }

  /** Settles when nothing more will come; does not count as looking at the result. */
  ended(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.addEnd((error) => {
        if (error === undefined) resolve();
        else reject(error as Error);
      });
    });
  }

  // oxlint-disable-next-line unicorn/no-thenable -- a call is awaited or iterated, as its user likes
  then<A = unknown, B = never>(
    onValue?: ((value: unknown) => A | PromiseLike<A>) | null,
    onError?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#watched = true;
    this.#first ??= this.#settle(Promise.withResolvers<unknown>());
    return this.#first.promise.then(onValue, onError);
  }

  catch<B>(onError: (error: unknown) => B | PromiseLike<B>): Promise<unknown> {
    return this.then(undefined, onError);
  }

  finally(always: () => void): Promise<unknown> {
    return this.then().finally(always);
  }

  [Symbol.asyncIterator](): AsyncIterator<unknown, undefined, undefined> {
    this.#watched = true;
    return {
      next: () => this.#next(),
      return: () => {
        if (this.#end === undefined) this.#control.cancel(this.id);
        this.#items = [];
        this.#finish({});
        return Promise.resolve({ done: true, value: undefined });
      },
    };
  }

  /** The result came. Whoever iterates instead of awaiting it must not take it for an empty stream. */
  result(value: unknown): void {
    this.#settled = { value };
    this.#first?.resolve(value);
    this.#isResult = true;
    this.#waiter?.reject(notAStream());
    this.#waiter = undefined;
    this.#finish({});
  }

  /** One item of a stream came. */
  item(value: unknown, bytes: number): void {
    if (this.#end !== undefined) return;
    this.deadlineMs = Number.POSITIVE_INFINITY;
    this.#resolveToStream();
    if (this.#waiter === undefined) {
      this.#items.push({ value, bytes });
      return;
    }
    const { resolve } = this.#waiter;
    this.#waiter = undefined;
    this.#took(bytes);
    resolve({ done: false, value });
  }

  /** The stream is complete. */
  complete(): void {
    this.#resolveToStream();
    this.#finish({});
  }

  /** It failed, there or on the way. */
  fail(error: unknown): void {
    if (this.#end !== undefined) return;
    this.#settled ??= { error };
    this.#first?.reject(error);
    this.#finish({ error });
    if (!this.#watched) setImmediate(() => this.#surface(error));
  }

  /** Fails it when its time is up. */
  expire(nowMs: number, reason: () => RpcError): void {
    if (nowMs < this.deadlineMs) return;
    this.#control.cancel(this.id);
    this.fail(reason());
  }

  #surface(error: unknown): void {
    if (!this.#watched) void Promise.reject(error);
  }

  #resolveToStream(): void {
    if (this.#settled !== undefined) return;
    // A promise must not be resolved with something that can itself be awaited.
    this.#settled = { value: { [Symbol.asyncIterator]: () => this[Symbol.asyncIterator]() } };
    this.#first?.resolve(this.#settled.value);
  }

  #settle(first: PromiseWithResolvers<unknown>): PromiseWithResolvers<unknown> {
    if (this.#settled === undefined) return first;
    if ("error" in this.#settled) first.reject(this.#settled.error);
    else first.resolve(this.#settled.value);
    return first;
  }

  #next(): Promise<IteratorResult<unknown, undefined>> {
    const item = this.#items.shift();
    if (item !== undefined) {
      this.#took(item.bytes);
      return Promise.resolve({ done: false, value: item.value });
    }
    if (this.#end !== undefined) return this.#last();
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  #took(bytes: number): void {
    this.#consumedBytes += bytes;
    if (this.#consumedBytes < GRANT_BYTES || this.#end !== undefined) return;
    this.#control.grant(this.id, this.#consumedBytes);
    this.#consumedBytes = 0;
  }

  /** After the last item: the error once, then the end. */
  #last(): Promise<IteratorResult<unknown, undefined>> {
    if (this.#isResult) return Promise.reject(notAStream());
    const end = this.#end;
    this.#end = {};
    if (end !== undefined && "error" in end) return Promise.reject(end.error);
    return Promise.resolve({ done: true, value: undefined });
  }

  #finish(end: End): void {
    if (this.#end !== undefined) return;
    this.#end = end;
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (waiter !== undefined) {
      if ("error" in end) waiter.reject(end.error);
      else waiter.resolve({ done: true, value: undefined });
    }
    for (const ended of this.#onEnd) ended("error" in end ? end.error : undefined);
  }
}
