import type { Clock } from "./clock.ts";
import type { Random } from "./random.ts";

interface Timer {
  ref(): Timer;
  unref(): Timer;
  hasRef(): boolean;
  active: boolean;
}

type Run = (...args: unknown[]) => void;

const realImmediate = globalThis.setImmediate;
/** Everything of the process that tells or passes time. */
const NAMES = [
  "setTimeout",
  "setInterval",
  "setImmediate",
  "clearTimeout",
  "clearInterval",
  "clearImmediate",
] as const;

/**
 * The time of this process, and its chance, replaced by those of a simulation: code that knows of
 * no simulator runs in it unchanged. One at a time; dispose of it to have the real ones back.
 */
export class VirtualTime implements Disposable {
  readonly #clock: Clock;
  readonly #real = NAMES.map((name) => [name, globalThis[name]] as const);
  readonly #realRandom = Math.random;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    const clear = (timer: Timer | undefined): void => {
      if (timer !== undefined && timer !== null) timer.active = false;
    };
    const once = (run: Run, ms = 0, ...args: unknown[]): Timer =>
      this.#start(ms, false, () => run(...args));
    const again = (run: Run, ms = 0, ...args: unknown[]): Timer =>
      this.#start(ms, true, () => run(...args));
    const soon = (run: Run, ...args: unknown[]): Timer => this.#start(0, false, () => run(...args));
    Object.assign(globalThis, {
      setTimeout: once,
      setInterval: again,
      setImmediate: soon,
      clearTimeout: clear,
      clearInterval: clear,
      clearImmediate: clear,
    });
    performance.now = () => clock.nowMs;
    Math.random = () => random.next();
  }

  /** Lets `forMs` pass, and whatever was promised be done after each moment. */
  async run(forMs: number): Promise<void> {
    const untilMs = this.#clock.nowMs + forMs;
    while (this.#clock.step(untilMs)) {
      // What is due at one moment happens before anybody goes on.
      while (this.#clock.nextAtMs === this.#clock.nowMs) this.#clock.step(untilMs);
      await settled();
    }
  }

  /** Gives the real timers back. */
  [Symbol.dispose](): void {
    Object.assign(globalThis, Object.fromEntries(this.#real));
    // The real one is its prototype's.
    Reflect.deleteProperty(performance, "now");
    Math.random = this.#realRandom;
  }

  #start(ms: number, again: boolean, run: () => void): Timer {
    const timer: Timer = {
      active: true,
      ref: () => timer,
      unref: () => timer,
      hasRef: () => true,
    };
    const fire = (): void => {
      if (!timer.active) return;
      if (again) this.#clock.after(Math.max(1, ms), fire);
      run();
    };
    this.#clock.after(ms, fire);
    return timer;
  }
}

/** Resolves when every promise that can go on has done so. */
const settled = (): Promise<void> => new Promise((resolve) => realImmediate(resolve));
