import type { Observed } from "@zeroplane/link";

/**
 * A promise that tells when somebody begins to wait for it. `await` and `Promise.all` call `then` of what
 * is no plain promise, one turn of the microtask queue later; a class of its own leaves the engine's short
 * cuts for all other promises in place, which a `then` on one of them would not.
 *
 * `catch` and `finally` alone are no waiting: what they give is watched instead.
 */
export class WatchedAnswer extends Promise<unknown> {
  #observed: Observed | undefined;

  /** What `then` gives is a plain promise. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  /** Tells `observed` of the first who waits. */
  watch(observed: Observed): void {
    this.#observed = observed;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- a promise is one, and this is how its wait is seen.
  override then<A = unknown, B = never>(
    onFulfilled?: ((value: unknown) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#observed?.awaited?.();
    this.#observed = undefined;
    return super.then(onFulfilled, onRejected);
  }

  override catch<B = never>(
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<unknown> {
    return this.#passOn(super.then(undefined, onRejected));
  }

  override finally(onFinally?: (() => void) | null): Promise<unknown> {
    return this.#passOn(super.then().finally(onFinally));
  }

  #passOn(next: Promise<unknown>): Promise<unknown> {
    const observed = this.#observed;
    if (observed === undefined) return next;
    const watched = new WatchedAnswer((resolve) => resolve(next));
    watched.watch(observed);
    return watched;
  }
}
