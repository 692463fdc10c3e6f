import type { Host, World } from "@zeroplane/link/testing";

/** One end's view of a lane: what comes in, and that everything on its way was lost. */
export interface LaneEnd {
  receive(message: unknown): void;
  /** The lane begins anew: what was said before may not have come. */
  reset(): void;
}

interface Joined {
  readonly host: Host;
  readonly end: LaneEnd;
  /** The last life of the lane that this end has heard of. */
  life: number;
  /** When it hears of the newest one. */
  resetAtMs: number;
}

const LATENCY_MS_MAX = 40;

/**
 * What a session promises and nothing more: messages in order and once, as late as it likes, or a
 * reset for both ends. That sessions keep it is shown by `simulateSessions`.
 */
export class ReliableLane {
  readonly #world: World;
  readonly #ends = new Map<string, Joined>();
  readonly #lastAtMs = new Map<string, number>();
  #life = 0;
  #stalledUntilMs = 0;

  constructor(world: World) {
    this.#world = world;
  }

  /** A process takes its end, again after each start; with both ends there the lane begins. */
  join(host: Host, end: LaneEnd): void {
    this.#ends.set(host.name, { host, end, life: 0, resetAtMs: 0 });
    this.reset();
  }

  /** Nothing comes for `forMs`; it comes later. */
  stall(forMs: number): void {
    this.#stalledUntilMs = this.#world.clock.nowMs + forMs;
  }

  /** What is on its way is lost, and both ends hear so before anything new. */
  reset(): void {
    const life = ++this.#life;
    const { clock, random } = this.#world;
    if (this.#ends.size < 2) return;
    for (const joined of this.#ends.values()) {
      const waitMs = random.between(1, LATENCY_MS_MAX);
      joined.resetAtMs = clock.nowMs + waitMs;
      joined.host.after(waitMs, () => this.#hear(joined, life));
    }
  }

  /** An end hears of a reset, at the latest with the first message after it. */
  #hear(joined: Joined, life: number): void {
    if (this.#life !== life || joined.life === life) return;
    joined.life = life;
    joined.end.reset();
  }

  /** Says something to the other end; who has not heard of a reset yet speaks into the void. */
  send(from: Host, message: unknown): void {
    const life = this.#life;
    if (this.#ends.get(from.name)?.life !== life) return;
    for (const [name, to] of this.#ends) {
      if (name === from.name) continue;
      const { clock, random } = this.#world;
      const soonestMs = clock.nowMs + random.between(0, LATENCY_MS_MAX);
      const lastMs = this.#lastAtMs.get(from.name) ?? 0;
      const atMs = Math.max(soonestMs, lastMs, to.resetAtMs, this.#stalledUntilMs);
      this.#lastAtMs.set(from.name, atMs);
      to.host.after(atMs - clock.nowMs, () => {
        if (this.#life !== life) return;
        this.#hear(to, life);
        to.end.receive(message);
      });
    }
  }
}
