import type { Conditions } from "./network.ts";
import type { World } from "./world.ts";

/** What a nemesis may do. */
export interface NemesisOptions {
  readonly nodes: readonly string[];
  /** Pairs of nodes that talk. */
  readonly links: readonly (readonly [string, string])[];
  /** True when processes may crash; the others only stand still or lose the network. */
  readonly crashes: boolean;
  /** How long one fault lasts at most, milliseconds. */
  readonly faultMsMax: number;
  /** Faults of the program's own. */
  readonly extra?: readonly (() => void)[];
}

/** The worst of what the network does to each message, by seed. */
export function randomConditions({ random }: World): Conditions {
  const ordered = random.chance(0.4);
  const slowest = random.pick([2, 20, 200, 2_000]);
  return {
    loss: random.pick([0, 0.01, 0.1, 0.3]),
    duplication: ordered ? 0 : random.pick([0, 0.01, 0.2]),
    delayMs: [0, slowest],
    ordered,
  };
}

/**
 * Does harm by seed: one-way and whole partitions, swizzled links (cut one by one, restored in
 * another order, as FoundationDB does), crashes, processes that stand still, other conditions.
 */
export class Nemesis {
  readonly #world: World;
  readonly #options: NemesisOptions;

  constructor(world: World, options: NemesisOptions) {
    this.#world = world;
    this.#options = options;
  }

  /** A fault now and then, for `forMs`; every fault has ended by then. */
  run(forMs: number): void {
    const { clock, random } = this.#world;
    const untilMs = clock.nowMs + forMs;
    const faults = this.#faults();
    while (clock.nowMs < untilMs) {
      random.pick(faults)(untilMs);
      this.#world.run(Math.min(random.between(10, 4_000), untilMs - clock.nowMs));
    }
    this.heal();
  }

  /** As {@link run}, where time passes by `pass`: for code that awaits. */
  async runAsync(forMs: number, pass: (forMs: number) => Promise<void>): Promise<void> {
    const { clock, random } = this.#world;
    const untilMs = clock.nowMs + forMs;
    const faults = this.#faults();
    while (clock.nowMs < untilMs) {
      random.pick(faults)(untilMs);
      await pass(Math.min(random.between(10, 4_000), untilMs - clock.nowMs));
    }
    this.heal();
  }

  /** Ends every fault. */
  heal(): void {
    this.#world.note("everything heals");
    this.#world.network.heal();
    for (const name of this.#options.nodes) {
      this.#world.restart(name);
      this.#world.pause(name, 0);
    }
  }

  #faults(): ((untilMs: number) => void)[] {
    const { crashes, extra = [] } = this.#options;
    const faults = [
      () => void (this.#world.network.conditions = randomConditions(this.#world)),
      (untilMs: number) => this.#oneWay(untilMs),
      (untilMs: number) => this.#swizzle(untilMs),
      (untilMs: number) => this.#stand(untilMs),
      ...extra,
    ];
    return crashes ? [...faults, (untilMs) => this.#crash(untilMs)] : faults;
  }

  #lastsMs(untilMs: number): number {
    const { clock, random } = this.#world;
    return Math.min(random.between(1, this.#options.faultMsMax), untilMs - clock.nowMs);
  }

  #oneWay(untilMs: number): void {
    const { random } = this.#world;
    const [a, b] = random.shuffled(random.pick(this.#options.links));
    if (a !== undefined && b !== undefined) this.#cut(a, b, this.#lastsMs(untilMs));
  }

  #cut(from: string, to: string, forMs: number): void {
    const { network, clock } = this.#world;
    this.#world.note(`nothing passes from ${from} to ${to} for ${forMs} ms`);
    network.block(from, to);
    clock.after(forMs, () => network.unblock(from, to));
  }

  #swizzle(untilMs: number): void {
    const { clock, random } = this.#world;
    for (const [a, b] of this.#options.links) {
      if (random.chance(0.5)) continue;
      const startMs = random.between(0, Math.max(0, Math.floor(this.#lastsMs(untilMs) / 2)));
      const forMs = this.#lastsMs(untilMs - startMs);
      clock.after(startMs, () => {
        this.#cut(a, b, forMs);
        this.#cut(b, a, forMs);
      });
    }
  }

  #stand(untilMs: number): void {
    this.#world.pause(this.#world.random.pick(this.#options.nodes), this.#lastsMs(untilMs));
  }

  #crash(untilMs: number): void {
    const name = this.#world.random.pick(this.#options.nodes);
    this.#world.crash(name);
    this.#world.clock.after(this.#lastsMs(untilMs), () => this.#world.restart(name));
  }
}
