import type { State, Viewer } from "@zeroplane/patterns";
import { ApiError } from "./api-error.ts";
import type { InstanceStore } from "./instance-store.ts";
import type { DesiredInstance } from "./model.ts";

/** Where instances run: what ought to be, published to the runners. */
export class Placement {
  readonly #store: InstanceStore;
  readonly #desired: State<DesiredInstance>;

  /** Publishes what the store says ought to run. */
  constructor(store: InstanceStore, desired: State<DesiredInstance>) {
    this.#store = store;
    this.#desired = desired;
    desired.update(() => {
      for (const { desired: instance } of store.wanted()) {
        if (instance !== undefined) desired.set(keyOf(instance), settled(instance));
      }
    });
  }

  /** Runners that are there. */
  runners(): Viewer[] {
    return this.#desired.viewers();
  }

  /**
   * Has an instance started on the runner that has the fewest.
   * @throws ApiError ERR_NO_CAPACITY when no runner is there
   */
  start(wanted: Omit<DesiredInstance, "runner">): DesiredInstance {
    const known = this.#store.get(wanted.id)?.desired;
    if (known !== undefined) return known;
    const runner = this.#idlest();
    if (runner === undefined) {
      throw new ApiError("ERR_NO_CAPACITY", "no runner is there to run the app; start one");
    }
    const instance: DesiredInstance = { ...wanted, runner };
    this.#store.want(instance);
    this.#desired.set(keyOf(instance), instance);
    return instance;
  }

  /** The deploy that has started these instances is over: what becomes of them is no part of it. */
  settle(ids: readonly string[]): void {
    this.#desired.update(() => {
      for (const id of ids) {
        const instance = this.#store.get(id)?.desired;
        if (instance !== undefined) this.#desired.set(keyOf(instance), settled(instance));
      }
    });
  }

  /** Has instances stopped. */
  stop(ids: readonly string[]): void {
    this.#desired.update(() => {
      for (const id of ids) {
        const instance = this.#store.get(id)?.desired;
        if (instance === undefined) continue;
        this.#store.unwant(id);
        this.#desired.delete(keyOf(instance));
      }
    });
  }

  #idlest(): string | undefined {
    const counts = new Map(this.runners().map(({ node }) => [node, 0]));
    for (const { desired } of this.#store.wanted()) {
      const count = desired && counts.get(desired.runner);
      if (desired !== undefined && count !== undefined) counts.set(desired.runner, count + 1);
    }
    const sorted = [...counts].sort(([a, m], [b, n]) => m - n || (a < b ? -1 : 1));
    return sorted[0]?.[0];
  }
}

function settled({ traceparent: _traceparent, ...instance }: DesiredInstance): DesiredInstance {
  return instance;
}

/** The key of an instance: a runner views what is under its own name. */
const keyOf = ({ runner, id }: DesiredInstance): string => `instances/${runner}/${id}`;
