import { type Description, methodOf, parseArguments } from "@zeroplane/introspect";
import { callMethod } from "@zeroplane/rpc";

/** What one process offers, or why it does not say. */
export interface Offer {
  readonly process: string;
  readonly description?: Description;
  readonly error?: string;
}

/** A call by hand: arguments as they were typed. */
export interface Wish {
  readonly process: string;
  readonly method: string;
  readonly words: readonly string[];
}

/** What came of it: one value, or the first items of a stream. */
export interface Outcome {
  readonly ms: number;
  readonly value?: unknown;
  readonly items?: readonly unknown[];
  /** True when the stream had ended by itself. */
  readonly isWhole?: boolean;
}

/** Items taken of a stream, and how long they are waited for. */
const ITEMS_MAX = 50;
const ITEMS_MS = 5_000;
/** Words of one call. */
const WORDS_MAX = 32;

/** The services behind the console: their own words, and calls of them by hand. */
export class Services {
  readonly #clients: ReadonlyMap<string, object>;

  /** @param clients a client of each process, by its name */
  constructor(clients: Readonly<Record<string, object>>) {
    this.#clients = new Map(Object.entries(clients));
  }

  /** Every process with its description, or with the reason why it gave none. */
  list(): Promise<Offer[]> {
    return Promise.all(
      Array.from(this.#clients, async ([process, client]) => {
        try {
          return { process, description: await descriptionOf(client) };
        } catch (error) {
          return { process, error: error instanceof Error ? error.message : String(error) };
        }
      }),
    );
  }

  /**
   * Makes a call. Of a stream it takes what comes within 5 s, 50 items at most, and cancels the rest.
   * @throws TypeError when `wish` is none or names no process of this platform; IntrospectError when
   *   the method or its arguments are wrong; what the call itself throws
   */
  async call(wish: unknown): Promise<Outcome> {
    const { process, method, words } = readWish(wish);
    const client = this.#clients.get(process);
    if (client === undefined) {
      const names = [...this.#clients.keys()].join(", ");
      throw new TypeError(`no process ${JSON.stringify(process)}; there are: ${names}`);
    }
    const description = await descriptionOf(client);
    const args = parseArguments(description, method, words);
    const startedAtMs = performance.now();
    const answer = callMethod(client, method, args);
    if (methodOf(description, method).kind === "stream") {
      return { ...(await take(answer)), ms: performance.now() - startedAtMs };
    }
    const value = await answer;
    return { value, ms: performance.now() - startedAtMs };
  }
}

const descriptionOf = async (client: object): Promise<Description> =>
  (await callMethod(client, "_describe", [])) as Description;

async function take(
  stream: AsyncIterable<unknown>,
): Promise<{ items: readonly unknown[]; isWhole: boolean }> {
  const items: unknown[] = [];
  const reader = stream[Symbol.asyncIterator]();
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(() => resolve(undefined), ITEMS_MS);
  try {
    while (items.length < ITEMS_MAX) {
      const next = await Promise.race([reader.next(), late]);
      if (next === undefined) return { items, isWhole: false };
      if (next.done === true) return { items, isWhole: true };
      items.push(next.value);
    }
    return { items, isWhole: false };
  } finally {
    clearTimeout(timer);
    void reader.return?.();
  }
}

function readWish(wish: unknown): Wish {
  const { process, method, words } = (wish ?? {}) as Partial<Wish>;
  const isWords =
    Array.isArray(words) &&
    words.length <= WORDS_MAX &&
    words.every((word) => typeof word === "string");
  if (typeof process === "string" && typeof method === "string" && isWords) {
    return { process, method, words: words as readonly string[] };
  }
  throw new TypeError("a call is { process, method, words }, words being up to 32 texts");
}
