import { once } from "node:events";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { TraceError, type TraceErrorCode } from "../trace-error.ts";

interface Question {
  readonly id: number;
  readonly call: string;
  readonly args: readonly unknown[];
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: { readonly code: string; readonly message: string };
  readonly event?: unknown;
}

const END = "end";
const IS_SOURCE = import.meta.url.endsWith(".ts");

/** The compiler names scripts anew where they are imported, but not here. */
const compiled = ({ href }: URL): URL => new URL(href.replace(/\.ts$/, ".js"));

/** What a thread offers: methods whose arguments and results can be cloned. */
export type Offered = Readonly<Record<string, (...args: never[]) => unknown>>;

/** A worker thread that offers methods; it is asked one thing after the other, and answers in its order. */
export class Thread<O extends Offered> implements AsyncDisposable {
  readonly #worker: Worker;
  readonly #asked = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #ended: Promise<unknown>;
  #failure: unknown;
  #next = 0;

  /** @param onEvent told of what the thread says unasked */
  constructor(script: URL, data: unknown, onEvent?: (event: unknown) => void) {
    this.#worker = new Worker(IS_SOURCE ? script : compiled(script), {
      workerData: data,
      ...(IS_SOURCE && { execArgv: ["-C", "@zeroplane/source"] }),
    });
    this.#worker.on("message", (answer: Answer) => {
      if (answer.event !== undefined) onEvent?.(answer.event);
      else this.#answer(answer);
    });
    this.#worker.on("error", (error) => (this.#failure = error));
    this.#ended = once(this.#worker, "exit").then(() => this.#end());
  }

  /** Questions that wait for an answer. */
  get waiting(): number {
    return this.#asked.size;
  }

  /** @throws TraceError what the method threw; ERR_CLOSED when the thread has ended */
  ask<K extends keyof O & string>(
    call: K,
    ...args: Parameters<O[K]>
  ): Promise<Awaited<ReturnType<O[K]>>> {
    return this.give([], call, ...args);
  }

  /** The same; `given` goes to the thread as it is, and is no longer here. */
  async give<K extends keyof O & string>(
    given: readonly ArrayBuffer[],
    call: K,
    ...args: Parameters<O[K]>
  ): Promise<Awaited<ReturnType<O[K]>>> {
    if (this.#next === Number.POSITIVE_INFINITY) throw this.#closed();
    const id = this.#next++;
    const asked = Promise.withResolvers<unknown>();
    this.#asked.set(id, asked);
    this.#worker.postMessage({ id, call, args } satisfies Question, given);
    return (await asked.promise) as Awaited<ReturnType<O[K]>>;
  }

  /** Lets it finish what it was asked. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#worker.postMessage(END);
    await this.#ended;
  }

  #answer({ id, result, error }: Answer): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (error === undefined) asked?.resolve(result);
    else asked?.reject(new TraceError(error.code as TraceErrorCode, error.message));
  }

  #end(): void {
    this.#next = Number.POSITIVE_INFINITY;
    for (const asked of this.#asked.values()) asked.reject(this.#closed());
    this.#asked.clear();
  }

  #closed(): TraceError {
    return new TraceError("ERR_CLOSED", "the trace store has ended", { cause: this.#failure });
  }
}

/** What the thread itself was started with. */
export const threadData = <T>(): T => workerData as T;

/** The thread's side: offers `methods` until it is to end, then calls `end` and waits for it. */
export function offer(methods: Offered, end: () => void | Promise<void>): (event: unknown) => void {
  const port = parentPort;
  if (port === null) throw new Error("this file is the script of a worker thread");
  port.on("message", (message: Question | typeof END) => {
    if (message === END) {
      void Promise.resolve(end()).finally(() => port.close());
      return;
    }
    const { id, call, args } = message;
    void answer(methods[call] as (...args: unknown[]) => unknown, args).then((said) =>
      port.postMessage({ id, ...said }),
    );
  });
  return (event) => port.postMessage({ event });
}

async function answer(
  method: (...args: unknown[]) => unknown,
  args: readonly unknown[],
): Promise<Omit<Answer, "id">> {
  try {
    return { result: await method(...args) };
  } catch (error) {
    const { code = "ERR_STORE", message } = error as { code?: string; message: string };
    return { error: { code, message } };
  }
}
