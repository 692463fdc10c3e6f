import { decode, encode } from "@zeroplane/link";
import type { AddOptions } from "./job.ts";
import { within } from "./new-job.ts";
import type { JobStore } from "./store.ts";

/** How a job comes again and again. */
export interface ScheduleOptions extends Omit<AddOptions, "delayMs" | "key"> {
  /** Between one job and the next, milliseconds: 100 to 10 years. */
  readonly everyMs: number;
}

const EVERY_MS: readonly [number, number] = [100, 10 * 365 * 86_400_000];

/** Jobs that come again and again, kept in the store. */
export class Schedules {
  readonly #store: JobStore;
  #nextMs: number | undefined;

  constructor(store: JobStore) {
    this.#store = store;
  }

  /**
   * The first job comes after `everyMs`; a schedule of that name that is there is replaced, and
   * keeps its time when it is as often.
   */
  set(
    name: string,
    payload: Uint8Array,
    { everyMs, ...options }: ScheduleOptions,
    nowMs: number,
  ): void {
    within("everyMs", everyMs, EVERY_MS);
    const before = this.#store.schedules().find((each) => each.name === name);
    const nextAtMs = before?.everyMs === everyMs ? before.nextAtMs : nowMs + everyMs;
    this.#store.putSchedule({ name, everyMs, nextAtMs, payload, options: encode(options) });
    this.#nextMs = undefined;
  }

  /** @returns false when there was none */
  drop(name: string): boolean {
    return this.#store.dropSchedule(name);
  }

  /** Nothing that is remembered holds: the store was rolled back. */
  reset(): void {
    this.#nextMs = undefined;
  }

  /**
   * Adds what is due: one job for a schedule, however often it should have come meanwhile. None
   * while its job of before has not ended.
   */
  tick(nowMs: number, add: (payload: Uint8Array, options: AddOptions) => void): void {
    if (this.#nextMs !== undefined && nowMs < this.#nextMs) return;
    this.#nextMs = Number.POSITIVE_INFINITY;
    for (const schedule of this.#store.schedules()) {
      const { name, everyMs, payload } = schedule;
      let { nextAtMs } = schedule;
      if (nextAtMs <= nowMs) {
        add(payload, { ...(decode(schedule.options) as AddOptions), key: `schedule:${name}` });
        nextAtMs += Math.ceil((nowMs - nextAtMs + 1) / everyMs) * everyMs;
        this.#store.putSchedule({ ...schedule, nextAtMs });
      }
      this.#nextMs = Math.min(this.#nextMs, nextAtMs);
    }
  }
}
