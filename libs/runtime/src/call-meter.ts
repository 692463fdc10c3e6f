import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import { type AnsweredCall, onAnswered } from "./call-events.ts";

/** What one method has done since counting began. */
export interface MethodStats {
  readonly method: string;
  readonly calls: number;
  readonly failed: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Since counting began. */
  readonly sinceMs: number;
}

interface Counts {
  failed: number;
  bytesIn: number;
  bytesOut: number;
  readonly times: RecordableHistogram;
}

const METHODS_MAX = 1_000;
const IDLE_MS = 30_000;
const US_A_MS = 1_000;

/** Counts calls while somebody asks for it: else they cost nothing. */
export class CallMeter {
  readonly #methods = new Map<string, Counts>();
  #stop: (() => void) | undefined;
  #idle: NodeJS.Timeout | undefined;
  #beganAtMs = 0;

  /** What was counted; begins to count when nobody has asked for a while. */
  read(): MethodStats[] {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => this.#end(), IDLE_MS).unref();
    if (this.#stop === undefined) {
      this.#beganAtMs = performance.now();
      this.#stop = onAnswered((call) => this.#count(call));
    }
    const sinceMs = performance.now() - this.#beganAtMs;
    return Array.from(this.#methods, ([method, { times, failed, bytesIn, bytesOut }]) => ({
      method,
      calls: times.count,
      failed,
      bytesIn,
      bytesOut,
      p50Ms: times.percentile(50) / US_A_MS,
      p99Ms: times.percentile(99) / US_A_MS,
      sinceMs,
    }));
  }

  #count({ method, ms, error, bytesIn, bytesOut }: AnsweredCall): void {
    let counts = this.#methods.get(method);
    if (counts === undefined) {
      if (this.#methods.size >= METHODS_MAX) return;
      counts = { failed: 0, bytesIn: 0, bytesOut: 0, times: createHistogram() };
      this.#methods.set(method, counts);
    }
    counts.times.record(Math.max(1, Math.round(ms * US_A_MS)));
    if (error !== undefined) counts.failed++;
    counts.bytesIn += bytesIn;
    counts.bytesOut += bytesOut;
  }

  #end(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#methods.clear();
  }
}
