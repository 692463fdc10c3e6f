import { PendingCall } from "./pending-call.ts";
import type { Pool } from "./pool.ts";
import { Budget } from "./retry.ts";

/** When a call that has no answer yet is made once more, elsewhere. */
export interface HedgeOptions {
  /** After so long, milliseconds, or when it takes longer than 95 of 100 calls of the method. */
  readonly afterMs: number | "p95";
}

const SAMPLES = 128;
const SAMPLES_MIN = 20;
const METHODS_MAX = 1_024;

/** The latest durations of one method. */
class Durations {
  readonly #ms = new Float64Array(SAMPLES);
  #count = 0;

  add(ms: number): void {
    this.#ms[this.#count++ % SAMPLES] = ms;
  }

  /** @returns `undefined` while there are too few to tell */
  get p95(): number | undefined {
    const count = Math.min(this.#count, SAMPLES);
    if (count < SAMPLES_MIN) return undefined;
    return this.#ms.slice(0, count).sort()[Math.floor(count * 0.95)];
  }
}

/**
 * Makes a slow call once more at another endpoint and takes the answer that comes first ("The Tail
 * at Scale", Dean and Barroso, 2013). Only idempotent calls of a result; at most one call in ten.
 */
export class Hedge {
  readonly #pool: Pool;
  readonly #budget = new Budget(0.1, 10);
  readonly #durations = new Map<string, Durations>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Watches `call`, which was just made. */
  watch(call: PendingCall, { afterMs }: HedgeOptions): void {
    this.#budget.earn();
    const startedAtMs = performance.now();
    const durations = this.#of(call.method);
    const waitMs = afterMs === "p95" ? durations?.p95 : afterMs;
    const timer =
      waitMs === undefined ? undefined : setTimeout(() => this.#second(call), waitMs).unref();
    const settled = (): void => {
      clearTimeout(timer);
      durations?.add(performance.now() - startedAtMs);
    };
    call.answer.then(settled, settled);
  }

  #second(call: PendingCall): void {
    if (call.ended || call.isStream || !this.#budget.spend()) return;
    const nowMs = performance.now();
    const timeoutMs = call.deadlineMs - nowMs;
    const second = new PendingCall({ ...call.request, timeoutMs }, nowMs);
    second.place = call.place;
    if (call.carrier !== undefined) second.avoid.push(call.carrier);
    const first = call.beforeFail;
    let isOpen = true;
    let failure: unknown;
    // A failure of the first is no end while the second may still succeed.
    call.beforeFail = (failed, error) => {
      if (!isOpen) return first?.(failed, error) ?? false;
      failure = error;
      return true;
    };
    second.answer.then(
      (value) => {
        isOpen = false;
        if (second.isStream) second.abandon(undefined);
        else call.win(value);
      },
      () => {
        isOpen = false;
        if (failure !== undefined) call.fail(failure);
      },
    );
    call.answer.then(
      () => second.abandon(new Error("the first answer was quicker")),
      () => second.abandon(new Error("the call has ended")),
    );
    this.#pool.start(second, nowMs);
  }

  #of(method: string): Durations | undefined {
    let durations = this.#durations.get(method);
    if (durations === undefined && this.#durations.size < METHODS_MAX) {
      durations = new Durations();
      this.#durations.set(method, durations);
    }
    return durations;
  }
}
