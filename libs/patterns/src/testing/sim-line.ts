import type { World } from "@zeroplane/link/testing";

/** A simulated session: in order and once each way, or reset, which both sides learn of. */
export class SimLine {
  readonly #world: World;
  readonly #lastAtMs = { there: 0, back: 0 };
  #life = 0;
  #isUp = false;

  constructor(world: World) {
    this.#world = world;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** The session is there, anew. */
  up(): void {
    this.#isUp = true;
  }

  /** What is on its way never comes. */
  reset(): void {
    this.#isUp = false;
    this.#life++;
  }

  /** Runs `run` on the other side, unless the session ends before. */
  send(way: "there" | "back", run: () => void): void {
    if (!this.#isUp) return;
    const { clock, random } = this.#world;
    const life = this.#life;
    const slow = random.chance(0.05) ? SLOW_MS : QUICK_MS;
    const atMs = Math.max(clock.nowMs + random.between(0, slow), this.#lastAtMs[way]);
    this.#lastAtMs[way] = atMs;
    clock.after(atMs - clock.nowMs, () => {
      if (this.#life === life) run();
    });
  }
}

const QUICK_MS = 20;
const SLOW_MS = 2_500;
