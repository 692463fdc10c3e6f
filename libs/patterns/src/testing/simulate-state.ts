import { type Simulation, World, type WorldOptions } from "@zeroplane/link/testing";
import { COUNTER, SimOwner } from "./sim-owner.ts";
import { SimViewer } from "./sim-viewer.ts";

const FAULTS_MS = 8_000;
const SETTLE_MS = 10_000;
const VIEWERS_MAX = 3;
const EXPIRE_MS = 20;

/**
 * Runs the owner of a state and a few viewers through sessions that are reset and processes that
 * start again. A view shows what the owner had at its version, never goes back within a life of the
 * owner, and comes to what the owner has; its changes alone lead to the same. A value is set only
 * at the version that was expected; what has an end ends, and what is held goes with its holder.
 */
export function simulateState(seed: number, options: WorldOptions = {}): Simulation {
  const world = new World(seed, options);
  const run = new StateRun(world);
  let failure: string | undefined;
  try {
    run.play();
  } catch (error) {
    failure = error instanceof Error ? error.message : String(error);
  }
  const { hash, events, clock } = world;
  const outcome = { seed, hash, events, ...run.counts(), virtualMs: clock.nowMs };
  return { ...outcome, ...(failure !== undefined && { failure }) };
}

class StateRun {
  readonly #world: World;
  readonly #owner: SimOwner<SimViewer>;
  readonly #viewers: readonly SimViewer[];
  #resets = 0;
  #busy = true;

  constructor(world: World) {
    this.#world = world;
    this.#owner = new SimOwner(world, (epoch, group) => {
      for (const viewer of this.#viewers) viewer.hear(epoch, group);
    });
    const count = world.random.between(1, VIEWERS_MAX);
    this.#viewers = Array.from(
      { length: count },
      (_, i) => new SimViewer(`viewer${i}`, world, this.#owner),
    );
  }

  counts(): { records: number; resets: number } {
    const records = this.#viewers.reduce((sum, { changes }) => sum + changes, 0);
    return { records, resets: this.#resets };
  }

  play(): void {
    const { random, clock } = this.#world;
    this.#every(EXPIRE_MS, () => this.#owner.expire());
    this.#every(random.pick([20, 100]), () => this.#act());
    while (clock.nowMs < FAULTS_MS) {
      this.#world.run(random.between(1, 1_000));
      this.#fault();
    }
    this.#busy = false;
    for (const viewer of this.#viewers) viewer.connect();
    this.#world.run(SETTLE_MS);
    for (const viewer of this.#viewers) viewer.check();
    this.#owner.book.checkCounter(this.#owner.core.get(COUNTER)?.value ?? 0);
    if (this.#owner.core.nextEndMs !== undefined) throw new Error("a key that should have ended");
  }

  #act(): void {
    const { random } = this.#world;
    if (!this.#busy) return;
    if (random.chance(0.5)) this.#owner.act();
    const viewer = random.pick(this.#viewers);
    if (random.chance(0.3)) viewer.add();
    if (random.chance(0.1)) viewer.hold();
  }

  #fault(): void {
    const { random } = this.#world;
    this.#resets++;
    const kind = random.next();
    const viewer = random.pick(this.#viewers);
    if (kind < 0.3) viewer.reset();
    else if (kind < 0.5) viewer.crash();
    else if (kind < 0.6) {
      for (const each of this.#viewers) each.reset();
      this.#owner.restart();
    }
    for (const each of this.#viewers) if (random.chance(0.7)) each.connect();
  }

  #every(periodMs: number, run: () => void): void {
    this.#world.clock.after(periodMs, () => {
      run();
      this.#every(periodMs, run);
    });
  }
}
