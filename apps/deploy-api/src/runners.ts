import type { InstanceStore } from "./instance-store.ts";
import type { ObservedInstance } from "./model.ts";
import type { Placement } from "./placement.ts";

/** A runner that is there. */
export interface RunnerInfo {
  readonly node: string;
  readonly instances: number;
}

/** What runners tell the platform. */
export class Runners {
  readonly #instances: InstanceStore;
  readonly #placement: Placement;

  constructor(instances: InstanceStore, placement: Placement) {
    this.#instances = instances;
    this.#placement = placement;
  }

  /** A runner tells what it sees of its instances, at each change and after each reconnection. */
  report(observed: readonly ObservedInstance[]): void {
    for (const each of observed) this.#instances.observe(each);
  }

  /** Runners that are there now, and how many instances each ought to run. */
  list(): RunnerInfo[] {
    const wanted = this.#instances.wanted();
    return this.#placement.runners().map(({ node }) => ({
      node,
      instances: wanted.filter(({ desired }) => desired?.runner === node).length,
    }));
  }
}
