import { TICK_MS } from "./settings.ts";

interface Ticking {
  tick(nowMs: number): void;
}

/** One timer for every session of the process: beats, late acknowledgements, give-ups. */
class Ticker {
  readonly #members = new Set<Ticking>();
  #timer: NodeJS.Timeout | undefined;

  add(member: Ticking): void {
    this.#members.add(member);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
  }

  remove(member: Ticking): void {
    this.#members.delete(member);
    if (this.#members.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    const nowMs = performance.now();
    for (const member of this.#members) member.tick(nowMs);
  }
}

export const ticker = new Ticker();
