import type { Headers } from "@zeroplane/link";
import type { HedgeOptions } from "./hedge.ts";
import type { RetryOptions } from "./retry.ts";

/** Options of the calls of one client, or of some of its calls. */
export interface CallOptions {
  /** Cancels the call here and in every process it has reached. */
  readonly signal?: AbortSignal;
  /** How long to wait for the result, or for a stream's first item, milliseconds (default 30 000). */
  readonly timeoutMs?: number;
  /** Text that travels with the call, at most 4 KiB. */
  readonly headers?: Headers;
  /** Running it twice does no harm: it may be made again when it may have happened already. */
  readonly idempotent?: boolean;
  /** The server keeps the answer, so that it is made again when it was lost but never runs twice. */
  readonly once?: boolean;
  /** Further attempts, or how they are made (default 2, 20 ms apart at first). */
  readonly retry?: number | RetryOptions;
  /** Makes a slow call once more elsewhere, and takes the first answer; only what is `idempotent`. */
  readonly hedge?: HedgeOptions;
  /** Only to this peer: its endpoint, or the name of its process. */
  readonly to?: string;
}

/** The items of a stream; may be awaited for the stream itself, or iterated at once. */
export type StreamCall<Item> = AsyncIterable<Item> & PromiseLike<AsyncIterable<Item>>;

type Items<R> =
  R extends AsyncIterable<infer Item>
    ? Item
    : R extends Generator<infer Item> | Iterator<infer Item>
      ? Item
      : never;

type Answer<R> = [Items<Awaited<R>>] extends [never]
  ? Promise<Awaited<R>>
  : StreamCall<Items<Awaited<R>>>;

type Hidden = "constructor" | "then" | "toJSON" | "toString" | "valueOf" | "with" | `_${string}`;

// oxlint-disable-next-line typescript/no-explicit-any -- matches every function there is
type Callable = (...args: any[]) => unknown;

type Call<F extends Callable> = (...args: Parameters<F>) => Answer<ReturnType<F>>;

/** What a remote `T` looks like here: methods become calls, nested objects stay dotted names. */
export type Client<T> = {
  readonly [K in keyof T as K extends string
    ? K extends Hidden
      ? never
      : T[K] extends Callable | object
        ? K
        : never
    : never]: T[K] extends Callable ? Call<T[K]> : Client<T[K]>;
} & (T extends Callable ? Call<T> : unknown);

/** A connected client: the remote methods, options for some calls, and an end. */
export type Connected<T> = Client<T> &
  AsyncDisposable & {
    /** The same client with other options. A remote method of this name: `callMethod`. */
    with(options: CallOptions): Connected<T>;
  };
