import { createHistogram } from "node:perf_hooks";
import { callMethod } from "@zeroplane/rpc";

/** What a load has shown. Times are microseconds. */
export interface LoadReport {
  readonly method: string;
  readonly concurrency: number;
  readonly seconds: number;
  readonly calls: number;
  readonly failed: number;
  readonly perSecond: number;
  readonly p50Us: number;
  readonly p90Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
  /** Calls by how long they took, each step twice the one before. */
  readonly histogram: readonly { readonly toUs: number; readonly count: number }[];
  /** Failures by code. */
  readonly errors: Readonly<Record<string, number>>;
}

/** How a method is loaded. */
export interface LoadOptions {
  readonly concurrency: number;
  readonly durationMs: number;
  readonly signal: AbortSignal;
}

const US_A_MS = 1_000;
const CODES_MAX = 20;

/** One method, called by some callers at a time, each as soon as it has its answer. */
export class Load {
  readonly #client: object;
  readonly #method: string;
  readonly #args: readonly unknown[];
  readonly #times = createHistogram();
  readonly #steps: (number | undefined)[] = [];
  readonly #errors = new Map<string, number>();

  constructor(client: object, method: string, args: readonly unknown[]) {
    this.#client = client;
    this.#method = method;
    this.#args = args;
  }

  async run({ concurrency, durationMs, signal }: LoadOptions): Promise<LoadReport> {
    const startedAtMs = performance.now();
    const goesOn = (): boolean => !signal.aborted && performance.now() - startedAtMs < durationMs;
    await Promise.all(Array.from({ length: concurrency }, () => this.#lane(goesOn)));
    const seconds = (performance.now() - startedAtMs) / 1_000;
    const failed = this.#errors.values().reduce((sum, n) => sum + n, 0);
    const times = this.#times;
    const calls = times.count;
    return {
      method: this.#method,
      concurrency,
      seconds,
      calls,
      failed,
      perSecond: calls / seconds,
      p50Us: times.percentile(50),
      p90Us: times.percentile(90),
      p99Us: times.percentile(99),
      maxUs: times.max,
      histogram: this.#shape(),
      errors: Object.fromEntries(this.#errors),
    };
  }

  async #lane(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      const startedAtMs = performance.now();
      try {
        await this.#call();
      } catch (error) {
        this.#fail(error);
      }
      const us = Math.max(1, Math.round((performance.now() - startedAtMs) * US_A_MS));
      this.#times.record(us);
      const step = Math.ceil(Math.log2(us));
      this.#steps[step] = (this.#steps[step] ?? 0) + 1;
    }
  }

  /** A stream counts as one call, with all of its items. */
  async #call(): Promise<void> {
    const answer = await callMethod(this.#client, this.#method, this.#args);
    if (typeof answer !== "object" || answer === null || !(Symbol.asyncIterator in answer)) return;
    for await (const _item of answer as AsyncIterable<unknown>);
  }

  #fail(error: unknown): void {
    const { code, name } = error as { readonly code?: string; readonly name?: string };
    const key = code ?? name ?? "Error";
    if (!this.#errors.has(key) && this.#errors.size >= CODES_MAX) return;
    this.#errors.set(key, (this.#errors.get(key) ?? 0) + 1);
  }

  #shape(): { toUs: number; count: number }[] {
    const first = this.#steps.findIndex((count = 0) => count > 0);
    return first < 0
      ? []
      : Array.from(this.#steps, (count = 0, step) => ({ toUs: 2 ** step, count })).slice(first);
  }
}
