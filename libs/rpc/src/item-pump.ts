import { STREAM_WINDOW_BYTES } from "./wire.ts";

/** Anything whose items can be sent one by one. */
export type Stream = AsyncIterator<unknown> | Iterator<unknown>;

/** How much may be sent before the receiver has asked for more, and how much at most at a time. */
export interface CreditLimits {
  readonly start: number;
  readonly max: number;
}

/** Items of a plain iterator that are sent before others have their turn. */
const ITEMS_A_TURN = 256;
const BYTES: CreditLimits = { start: STREAM_WINDOW_BYTES, max: Number.POSITIVE_INFINITY };

/**
 * Sends the items of a stream as far as the receiver's credit goes, and no further: what is not
 * asked for is not taken from the generator.
 */
export class ItemPump {
  readonly #stream: Stream;
  readonly #send: (value: unknown) => number;
  readonly #creditMax: number;
  #credit: number;
  #stopped = false;
  #wake: (() => void) | undefined;

  /**
   * @param send sends one item; gives the credit it takes
   * @param limits of the credit (default bytes)
   */
  constructor(stream: Stream, send: (value: unknown) => number, limits = BYTES) {
    this.#stream = stream;
    this.#send = send;
    this.#credit = limits.start;
    this.#creditMax = limits.max;
  }

  /** True once nobody wants the rest. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /**
   * Resolves when the stream has ended or was stopped.
   * @throws what the stream throws, and what `send` does
   */
  async run(): Promise<void> {
    let sent = 0;
    try {
      for (;;) {
        if (this.#credit <= 0) await this.#credited();
        if (this.#stopped) break;
        const step = this.#stream.next();
        const { done, value } = step instanceof Promise ? await step : step;
        if (done === true || this.#stopped) break;
        this.#credit -= this.#send(value);
        if (!(step instanceof Promise) && ++sent % ITEMS_A_TURN === 0) await nextTurn();
      }
    } finally {
      // A generator that waits for something of its own would keep us from saying that it is over.
      if (this.#stopped) void Promise.resolve(this.#stream.return?.(undefined)).catch(ignore);
    }
  }

  /** The receiver takes more items. */
  credit(more: number): void {
    this.#credit = Math.min(this.#credit + more, this.#creditMax);
    if (this.#credit > 0) this.#wake?.();
  }

  /** Nobody wants the rest: the generator is told at its next step. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  #credited(): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = undefined;
        resolve();
      };
    });
  }
}

const ignore = (): void => undefined;
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** True for generators and whatever is iterated asynchronously; arrays and maps are values. */
export function isStream(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  return Symbol.asyncIterator in value || (Symbol.iterator in value && "next" in value);
}

/** What a value is iterated with when it is a stream, else `undefined`. */
export function streamOf(value: unknown): Stream | undefined {
  if (!isStream(value)) return undefined;
  const stream = value as AsyncIterable<unknown> | Iterable<unknown>;
  return Symbol.asyncIterator in stream
    ? stream[Symbol.asyncIterator]()
    : stream[Symbol.iterator]();
}
